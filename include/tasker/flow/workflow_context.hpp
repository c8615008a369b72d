#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/owning.hpp>
#include <tasker/flow/async.hpp>
#include <tasker/flow/detail/awaitable_chain.hpp>
#include <tasker/flow/detail/branch_groups.hpp>
#include <tasker/flow/detail/checkpoint_awaits.hpp>
#include <tasker/flow/detail/typed_body.hpp>
#include <tasker/flow/workflow_services.hpp>
#include <tasker/model/child_record.hpp>
#include <tasker/model/codec.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tasker {

/// How `workflow_context::receive` waits. Trivially destructible, so that it may be written inside a co_await expression.
struct receive_options {
    std::optional<duration> timeout{}; ///< throws `receive_timeout` after so long; nothing: waits for ever
};

/// How `workflow_context::map` runs its items. Trivially destructible, so that it may be written inside a co_await expression.
struct map_options {
    std::size_t concurrency = 0; ///< so many items at a time; 0: as many as the engine allows
    step_options step = {};      ///< of each item's step
};

/// How `workflow_context::start` and `child` start a task. Trivially destructible, so that it may be written inside a co_await
/// expression.
struct child_options {
    bool detached = false; ///< it goes on when its parent is cancelled
};

/// What a workflow that is written as a coroutine sees of the engine. What it awaits are *checkpoints*: each is recorded
/// under its name (and, from the second time on, `#2`, `#3` ...), and told at once, without being done again, when the
/// coroutine is run again after a crash or a long wait. So between checkpoints the coroutine must decide by what it was told
/// alone: its input, results, `now`, `random`, `uuid`; clocks, global state and other coroutines belong into steps.
/// Names are UTF-8 of 1 to 100 bytes, none of them `#` or a control character.
/// Lifetime: as long as the coroutine. Thread safety: for the coroutine alone. A checkpoint that is cancelled, as the loser
/// of `||`, is recorded as cancelled, and ends when its body has.
class workflow_context {
public:
    /// For one run of the coroutine. Lifetime: `services` must outlive the context.
    explicit workflow_context(workflow_services& services) : services_{&services} {}
    workflow_context(workflow_context const&) = delete;
    workflow_context& operator=(workflow_context const&) = delete;

    /// The task that runs.
    task_id task() const noexcept { return services_->task(); }

    /// Runs `body`, which takes a `step_context&` or nothing, as a step: retried, timed, limited and cancelled like those of a
    /// graph. Throws `step_error` when it has failed for good.
    /// One that is `{.durability = tasker::durability::volatile_}` waits for no commit: the coroutine goes on as soon as the body has
    /// ended, and the outcome is recorded with the next commit, never after what follows from it. After a crash before that the
    /// body runs again, and may end otherwise; so may other volatile steps that followed. A step that is not volatile begins, and
    /// a message leaves, only when the volatile ones before it are recorded.
    template <class Body>
    auto step(std::string name, Body body, step_options options = {})
        -> boost::asio::awaitable<typename detail::body_result<std::decay_t<decltype(detail::call_traits<Body, std::tuple<>>::call(
            body, std::declval<step_context&>(), std::declval<std::tuple<> const&>()))>>::type>
    {
        static_assert(!breaks_in_co_await<Body>, "tasker: g++ before 13 destroys an owning closure inside co_await twice; "
                                                 "capture by reference or name the closure first");
        using result = typename detail::body_result<std::decay_t<decltype(detail::call_traits<Body, std::tuple<>>::call(
            body, std::declval<step_context&>(), std::declval<std::tuple<> const&>()))>>::type;
        step_no const no = services_->ask({{}, std::move(name), options, detail::erase_body(std::move(body), detail::typed_decoder<>{}), {}});
        if (!services_->is_told(no))
            co_await detail::await_checkpoint(*services_, no);
        step_record const& ended = detail::require_success(services_->record(no));
        if constexpr (!std::is_void_v<result>)
            co_return codec<result>::decode(ended.result);
        else
            static_cast<void>(ended);
    }

    /// Waits; wakes exactly at its time, which counts from when it is first awaited. A long wait leaves memory.
    template <class = void>
    boost::asio::awaitable<void> sleep(std::string name, duration length)
    {
        step_no const no = services_->ask({"sleep:", std::move(name), {}, detail::nothing_to_do(), std::clamp(length, duration::zero(), detail::longest_sleep)});
        if (!services_->is_told(no))
            co_await detail::await_checkpoint(*services_, no);
        static_cast<void>(detail::require_success(services_->record(no)));
    }

    /// Waits for a message of this name: see `engine::send`. Of several the first is taken, each once.
    /// Throws `receive_timeout`, and `error{bad_payload}` when the message is no `T`.
    template <class T>
    boost::asio::awaitable<T> receive(std::string name, receive_options options = {})
    {
        detail::require_message_name(name);
        std::string const own = name;
        duration const limit = std::clamp(options.timeout.value_or(detail::longest_sleep), duration::zero(), detail::longest_sleep);
        step_no const no = services_->ask({"receive:", std::move(name), {}, detail::nothing_to_do(), limit, own});
        if (!services_->is_told(no))
            co_await detail::await_checkpoint(*services_, no);
        co_return codec<T>::decode(detail::received(detail::require_success(services_->record(no)), own));
    }

    /// Sends a message to another task, with the commit that records it: once, whatever dies when. Returns at once. A task
    /// that is over, or unknown, hears nothing.
    template <class T>
    void send(task_id to, std::string name, T const& value)
    {
        detail::require_message_name(name);
        services_->send(to, std::move(name), codec<stored_type<T>>::encode(value));
    }

    /// The time on the engine's clock when the coroutine first came here.
    template <class = void>
    time_point now(std::string name = "now")
    {
        auto const made = services_->instant("now:", std::move(name), [this] { return detail::encode_time(services_->clock_now()); });
        return detail::decode_time(made);
    }

    /// A number uniform in [0, 1), always the same here.
    template <class = void>
    double random(std::string name = "random")
    {
        return codec<double>::decode(services_->instant("random:", std::move(name), [this] { return codec<double>::encode(services_->draw()); }));
    }

    /// A new UUID as text, always the same here.
    template <class = void>
    std::string uuid(std::string name = "uuid")
    {
        return codec<std::string>::decode(
            services_->instant("uuid:", std::move(name), [this] { return codec<std::string>::encode(services_->draw_id()); }));
    }

    /// Records progress that `engine::value` reads from outside, with the next commit.
    template <class T>
    void set_value(std::string name, T const& value)
    {
        static_cast<void>(services_->instant("value:", std::move(name), [&value] { return codec<stored_type<T>>::encode(value); }));
    }

    /// What was last set under this name; nothing when nothing was.
    template <class T>
    std::optional<T> get_value(std::string_view name) const
    {
        auto const found = services_->latest("value:", name);
        return found ? std::optional<T>{codec<T>::decode(*found)} : std::nullopt;
    }

    /// Which version of the code is to run here, from `oldest` to `newest`: `newest` for a task that comes here for the
    /// first time, and ever the same for one that came here before. A task that was past this point already, when the code
    /// did not ask yet, gets `oldest`. Throws `permanent_error` when its version is older than `oldest`, or newer than `newest`.
    template <class = void>
    int version(std::string change, int oldest, int newest)
    {
        auto const asked_before = services_->latest("version:", change);
        int const first = !services_->is_recorded("version:", change) && services_->is_behind() ? oldest : newest;
        int const which = codec<int>::decode(
            asked_before ? *asked_before : services_->instant("version:", change, [first] { return codec<int>::encode(first); }));
        if (which < oldest || which > newest)
            throw permanent_error{"the task runs version " + std::to_string(which) + " of change \"" + change + "\", and the code knows " +
                                  std::to_string(oldest) + " to " + std::to_string(newest) + "; run it with code that knows its version"};
        return which;
    }

    /// Runs `body(step_context&, item)` or `body(item)` for each item of `items` as a step `name[index]`; results in the order of
    /// the items. When an item has failed for good the others are cancelled, and its `step_error` is thrown.
    /// Lifetime: `items` must live until it returns.
    template <class Range, class Body>
    auto map(std::string name, Range const& items, Body body, map_options options = {})
        -> boost::asio::awaitable<detail::mapped<detail::item_result<Range, Body>>>
    {
        static_assert(!breaks_in_co_await<Body>, "tasker: g++ before 13 destroys an owning closure inside co_await twice; "
                                                 "capture by reference or name the closure first");
        static_assert(std::is_lvalue_reference_v<decltype(*std::begin(items))>,
                      "tasker: map needs a range that holds its items, such as a vector; put what is computed into one first");
        std::vector<checkpoint_request> asked;
        for (auto const& item : items) {
            auto one = detail::item_body<Body, std::decay_t<decltype(item)>>{&body, &item};
            asked.push_back({{}, name + "[" + std::to_string(asked.size()) + "]", options.step, detail::erase_body(std::move(one), detail::typed_decoder<>{}), {}});
        }
        auto const nos = co_await detail::await_all(*services_, std::move(asked), options.concurrency);
        using result = detail::item_result<Range, Body>;
        if constexpr (!std::is_void_v<result>) {
            std::vector<result> results;
            for (step_no const no : nos)
                results.push_back(codec<result>::decode(services_->record(no).result));
            co_return results;
        }
    }

    /// Awaits all, side by side, and returns their results in order, as Asio's `&&` does for two. When one throws, the others are
    /// cancelled, and it is thrown when they have ended.
    template <class Result>
    boost::asio::awaitable<detail::mapped<Result>> all_of(std::vector<boost::asio::awaitable<Result>> branches)
    {
        return detail::await_branches(std::move(branches));
    }

    /// Awaits the first that succeeds, cancels the others, and returns its place, from 0, and its result (a `std::monostate` of those
    /// without), as Asio's `||` does for two. Throws what the first threw when all did. Preconditions: there is one.
    template <class Result>
    boost::asio::awaitable<std::pair<std::size_t, detail::stored_branch<Result>>> first_of(std::vector<boost::asio::awaitable<Result>> branches)
    {
        return detail::await_first_branch(std::move(branches));
    }

    /// The same for branches that are `tasker::async`.
    template <class Result>
    boost::asio::awaitable<detail::mapped<Result>> all_of(std::vector<async<Result>> branches)
    {
        return detail::await_branches(detail::as_awaitables(std::move(branches)));
    }
    /// The same for branches that are `tasker::async`.
    template <class Result>
    boost::asio::awaitable<std::pair<std::size_t, detail::stored_branch<Result>>> first_of(std::vector<async<Result>> branches)
    {
        return detail::await_first_branch(detail::as_awaitables(std::move(branches)));
    }

    /// Starts a task of another workflow, declared or a coroutine, that some engine of the store runs, and returns its id: once,
    /// whatever dies when. When this task is cancelled it is cancelled, too, unless it is detached.
    /// Throws `step_error` when there is no such workflow, or the input does not fit it.
    template <class Input>
    boost::asio::awaitable<task_id> start(std::string name, std::string workflow, Input&& input, child_options options = {})
    {
        static_assert(!breaks_in_co_await<Input>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                                  "give the input a name and start the task with that");
        return start_child(std::move(name), {std::move(workflow), codec<stored_type<Input>>::encode(input), options.detached});
    }

    /// Waits for the end of a task that `start` has started under the same name: by the name a fork knows that the child is done
    /// with, and otherwise starts it anew unless it has ended well. Throws `step_error` when it ended in error, or cancelled.
    /// Cancellation: cancels the task, too, when it is attached.
    template <class Result>
    boost::asio::awaitable<Result> join(std::string name, task_id child, child_options options = {})
    {
        step_no const no = services_->ask({"join:", name, {}, detail::nothing_to_do(), detail::longest_sleep, detail::end_of(child)});
        if (!services_->is_told(no))
            co_await detail::await_checkpoint(*services_, no);
        step_record const ended = services_->record(no); // a copy: to cancel is a checkpoint, too, and records move
        if (ended.state == step_state::cancelled && !options.detached)
            services_->cancel(child, name);
        services_->detach(child);
        payload const result = detail::child_result(detail::received(detail::require_success(ended), name), name);
        if constexpr (!std::is_void_v<Result>)
            co_return codec<Result>::decode(result);
    }

    /// Starts a task and waits for its end: `start`, then `join`.
    template <class Result, class Input>
    boost::asio::awaitable<Result> child(std::string name, std::string workflow, Input&& input, child_options options = {})
    {
        static_assert(!breaks_in_co_await<Input>, "tasker: g++ before 13 destroys an owning temporary inside co_await twice; "
                                                  "give the input a name and start the task with that");
        return run_child<Result>(std::move(name), {std::move(workflow), codec<stored_type<Input>>::encode(input), options.detached}, options);
    }

    /// Has `body` run, as a step `undo:name`, when the coroutine fails or its task is cancelled: what was registered last runs
    /// first. A task that was cancelled ends so only then. One that fails is told why it failed all the same; retried, it starts anew.
    /// Lifetime: the coroutine's own variables are gone by then, so `body` must own what it needs.
    template <class Body>
    void compensate(std::string name, Body body, step_options options = {})
    {
        services_->compensate({"undo:", std::move(name), options, detail::erase_body(std::move(body), detail::typed_decoder<>{}), {}});
    }

    /// Ends the coroutine here, and has the task start anew with another input and without its checkpoints: for loops without an
    /// end. Compensations are dropped; messages that were not received stay.
    template <class Input>
    [[noreturn]] void continue_as_new(Input const& input)
    {
        services_->renew(codec<stored_type<Input>>::encode(input));
        throw detail::renewal{};
    }

private:
    template <class = void>
    boost::asio::awaitable<task_id> start_child(std::string name, child_request asked)
    {
        step_no const no = services_->ask({detail::child_kind, std::move(name), {}, services_->starting(std::move(asked)), {}});
        if (!services_->is_told(no))
            co_await detail::await_checkpoint(*services_, no);
        auto const child = detail::decode_child(detail::require_success(services_->record(no)).result);
        if (!child.is_detached)
            services_->attach(child.id);
        co_return child.id;
    }

    template <class Result>
    boost::asio::awaitable<Result> run_child(std::string name, child_request asked, child_options options)
    {
        task_id const id = co_await start_child(name, std::move(asked));
        auto const stopped = co_await boost::asio::this_coro::cancellation_state;
        if (stopped.cancelled() != boost::asio::cancellation_type::none && !options.detached)
            services_->cancel(id, name); // while it was started; what follows does not begin any more
        co_return co_await join<Result>(std::move(name), id, options);
    }

    workflow_services* services_;
};

} // namespace tasker
