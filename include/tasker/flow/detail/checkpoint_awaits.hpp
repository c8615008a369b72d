#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/detail/typed_body.hpp>
#include <tasker/flow/workflow_services.hpp>
#include <tasker/model/codec.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// What the verbs of `workflow_context` are made of.
namespace tasker::detail {

inline constexpr duration longest_sleep = std::chrono::days{36'525};

/// The body of a checkpoint that only waits.
template <class = void>
inline step_body nothing_to_do()
{
    return plain_body{[](step_context&, step_arguments) { return payload{}; }};
}

struct start_waiting {
    template <class Handler>
    void operator()(Handler&& handler, workflow_services* services, step_no no) const
    {
        auto const slot = boost::asio::get_associated_cancellation_slot(handler);
        services->tell(no, slot, [handler = std::forward<Handler>(handler)]() mutable { std::move(handler)(); });
    }
};

/// Until the checkpoint is told. Cancellation stops the checkpoint, and ends when it is over.
template <class = void>
inline boost::asio::awaitable<void> await_checkpoint(workflow_services& services, step_no no)
{
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(start_waiting{}, boost::asio::use_awaitable, &services, no);
}

/// Thrown for a checkpoint that was stopped, perhaps because of one beside it.
class step_stopped final : public step_error {
public:
    explicit step_stopped(std::string const& step) : step_error{step, "step \"" + step + "\" was cancelled"} {}
};

/// Why a checkpoint failed.
template <class = void>
inline std::string failure_of(step_record const& failed)
{
    return "step \"" + failed.name + "\" failed after " + std::to_string(failed.attempts) + (failed.attempts == 1 ? " attempt: " : " attempts: ") +
           (failed.last_failure ? failed.last_failure->what : std::string{});
}

/// The record of a checkpoint that succeeded. Throws `step_error` when it did not.
template <class = void>
inline step_record const& require_success(step_record const& ended)
{
    if (satisfies_children(ended.state))
        return ended;
    if (ended.state == step_state::cancelled)
        throw step_stopped{ended.name};
    throw step_error{ended.name, failure_of(ended)};
}

inline constexpr std::string_view received_prefix = R"({"received":)";

/// A message as the result of the checkpoint that took it; one that ran out of time has null.
template <class = void>
inline payload as_received(payload const& body) { return payload{std::string{received_prefix} + std::string{body.text()} + "}"}; }

/// What the checkpoint received. Throws `receive_timeout`.
template <class = void>
inline payload received(step_record const& ended, std::string const& name)
{
    if (ended.state == step_state::resolved_manually)
        return ended.result; // an operator spoke for the sender
    std::string_view text = ended.result.text();
    if (!text.starts_with(received_prefix))
        throw receive_timeout{"no message \"" + name + "\" came in time"};
    text.remove_prefix(received_prefix.size());
    text.remove_suffix(1);
    return payload{std::string{text}};
}

template <class = void>
inline payload encode_time(time_point at)
{
    return payload{std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count())};
}

template <class = void>
inline time_point decode_time(payload const& encoded)
{
    std::int64_t count = 0;
    auto const text = encoded.text();
    if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc{})
        throw error{errc::bad_payload, "a time of the task is recorded as " + std::string{text} + ", which is no number of microseconds"};
    return time_point{std::chrono::microseconds{count}};
}


/// The result of a child that has ended. Throws `step_error` when it did not complete.
template <class = void>
inline payload child_result(payload const& told, std::string const& name)
{
    auto const parsed = codec<boost::json::value>::decode(told);
    auto const& end = parsed.as_object();
    if (end.contains("what"))
        throw step_error{name, "child \"" + name + "\" ended as " + std::string{end.at("state").as_string()} + ": " + std::string{end.at("what").as_string()}};
    return codec<boost::json::value>::encode(end.at("result"));
}

/// Thrown through a coroutine that has asked to start anew; no `std::exception`, so that it is not taken for a failure.
struct renewal {};

/// Runs one item of a map; the item and the body are the map's.
template <class Body, class Item>
struct item_body {
    Body* body;
    Item const* item;

    decltype(auto) operator()(step_context& context) const
    {
        if constexpr (std::is_invocable_v<Body&, step_context&, Item const&>)
            return (*body)(context, *item);
        else
            return (*body)(*item);
    }
};

template <class Range>
using item_of = std::decay_t<decltype(*std::begin(std::declval<Range const&>()))>;

template <class Range, class Body>
using item_result = typename body_result<std::decay_t<decltype(std::declval<item_body<Body, item_of<Range>> const&>()(std::declval<step_context&>()))>>::type;

template <class Result>
using mapped = typename std::conditional_t<std::is_void_v<Result>, std::type_identity<void>, std::type_identity<std::vector<Result>>>::type;

/// Many checkpoints at once, so many at a time. One that fails stops the others; all have ended when `done` is called.
template <class Lazy>
class basic_checkpoint_group : public std::enable_shared_from_this<basic_checkpoint_group<Lazy>> {
public:
    basic_checkpoint_group(workflow_services& services, std::vector<checkpoint_request> asked, std::size_t at_once, std::function<void()> done)
        : services_{&services}, asked_{std::move(asked)}, at_once_{at_once == 0 ? asked_.size() : at_once}, done_{std::move(done)}
    {
    }

    void begin()
    {
        while (running_ < at_once_ && next_ < asked_.size() && !is_stopped_)
            start();
    }

    void stop()
    {
        is_stopped_ = true;
        for (step_no const no : nos)
            services_->stop(no);
    }

    /// Whether nothing is left to wait for.
    bool is_over() const noexcept { return running_ == 0; }
    void finish() { done_(); }

    std::vector<step_no> nos;
    std::exception_ptr refusal; ///< of a checkpoint that could not be asked for; the others were stopped

private:
    void start()
    {
        try {
            step_no const no = services_->ask(std::move(asked_[next_++]));
            nos.push_back(no);
            ++running_;
            services_->tell(no, {}, [self = this->shared_from_this(), no] { self->ended(no); });
        } catch (...) { // nobody catches amid an initiation
            refusal = std::current_exception();
            stop();
        }
    }

    void ended(step_no no)
    {
        --running_;
        if (!is_stopped_ && !satisfies_children(services_->record(no).state))
            stop();
        begin();
        if (running_ == 0)
            done_();
    }

    workflow_services* services_;
    std::vector<checkpoint_request> asked_;
    std::size_t at_once_;
    std::function<void()> done_;
    std::size_t next_ = 0;
    std::size_t running_ = 0;
    bool is_stopped_ = false;
};
using checkpoint_group = basic_checkpoint_group<void>;

struct start_group {
    template <class Handler>
    void operator()(Handler&& handler, workflow_services* services, std::vector<checkpoint_request> asked, std::size_t at_once,
                    std::vector<step_no>* nos, std::exception_ptr* refusal) const
    {
        auto slot = boost::asio::get_associated_cancellation_slot(handler);
        auto const executor = boost::asio::get_associated_executor(handler);
        auto const owned = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
        auto const weak = std::make_shared<std::weak_ptr<checkpoint_group>>();
        auto const group = std::make_shared<checkpoint_group>(*services, std::move(asked), at_once, [owned, nos, refusal, weak, slot]() mutable {
            *nos = weak->lock()->nos;
            *refusal = weak->lock()->refusal;
            if (slot.is_connected())
                slot.clear();
            std::move (*owned)();
        });
        *weak = group;
        if (slot.is_connected())
            slot.assign([watched = std::weak_ptr{group}](boost::asio::cancellation_type) {
                if (auto const alive = watched.lock())
                    alive->stop();
            });
        group->begin();
        if (group->is_over())
            boost::asio::post(executor, [group] { group->finish(); });
    }
};

/// Until all have ended. Throws `step_error` of the first, in order of the items, that failed rather than being stopped.
template <class = void>
inline boost::asio::awaitable<std::vector<step_no>> await_all(workflow_services& services, std::vector<checkpoint_request> asked, std::size_t at_once)
{
    std::vector<step_no> nos;
    std::exception_ptr refusal;
    if (!asked.empty())
        co_await boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(start_group{}, boost::asio::use_awaitable, &services,
                                                                                          std::move(asked), at_once, &nos, &refusal);
    if (refusal)
        std::rethrow_exception(refusal);
    for (step_state const first : {step_state::error, step_state::cancelled})
        for (step_no const no : nos)
            if (services.record(no).state == first)
                static_cast<void>(require_success(services.record(no)));
    co_return nos;
}

} // namespace tasker::detail
