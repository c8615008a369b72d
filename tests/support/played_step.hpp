#pragma once

#include <tasker/flow/workflow_builder.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// Steps whose every attempt is written down beforehand, in all kinds of bodies.
namespace support {

enum class body_kind { plain, blocking, async, awaitable };
enum class ending { success, transient, retry_after, permanent, foreign };

/// What one attempt does: how long it sleeps (plain bodies cannot), and how it ends.
struct played_attempt {
    ending how = ending::success;
    tasker::duration takes = {};
    tasker::duration wait = {}; ///< asked for by retry_after
};

struct played_step {
    std::string name;
    std::vector<std::string> parents = {};
    body_kind kind = body_kind::async;
    std::vector<played_attempt> attempts = {}; ///< by number; later ones are as the last, or succeed when there is none
    tasker::step_options options = {};
    bool stubborn = false; ///< takes no notice of being asked to stop, but for sleeping no longer
};

/// Sees every body begin and end; a frame that is destroyed has ended.
class onlooker {
public:
    virtual ~onlooker() = default;
    virtual void entered(tasker::step_context&) {}
    virtual void left(tasker::step_context&) {}
};

namespace detail {

class presence {
public:
    presence(std::shared_ptr<onlooker> seen_by, tasker::step_context& context) : seen_by_{std::move(seen_by)}, context_{context}
    {
        if (seen_by_)
            seen_by_->entered(context_);
    }
    presence(presence const&) = delete;
    presence& operator=(presence const&) = delete;
    ~presence()
    {
        if (seen_by_)
            seen_by_->left(context_);
    }

private:
    std::shared_ptr<onlooker> seen_by_;
    tasker::step_context& context_;
};

inline played_attempt attempt_of(played_step const& step, int attempt)
{
    if (step.attempts.empty())
        return {};
    auto const at = static_cast<std::size_t>(attempt - 1);
    return at < step.attempts.size() ? step.attempts[at] : step.attempts.back();
}

inline int end_attempt(played_attempt const& played, int attempt)
{
    switch (played.how) {
    case ending::success: break;
    case ending::transient: throw tasker::transient_error{"attempt " + std::to_string(attempt) + " fails"};
    case ending::retry_after: throw tasker::retry_after{played.wait};
    case ending::permanent: throw tasker::permanent_error{"no further attempt helps"};
    case ending::foreign: throw attempt;
    }
    return attempt;
}

using part = std::shared_ptr<played_step const>;
using witness = std::shared_ptr<onlooker>;

inline int play_plain(part const& step, witness const& seen_by, tasker::step_context& context)
{
    presence const here{seen_by, context};
    return end_attempt(attempt_of(*step, context.attempt()), context.attempt());
}

inline tasker::async<int> play_async(part step, witness seen_by, tasker::step_context& context)
{
    presence const here{seen_by, context};
    played_attempt const played = attempt_of(*step, context.attempt());
    try {
        if (played.takes > tasker::duration::zero())
            co_await context.sleep_for(played.takes);
    } catch (boost::system::system_error const&) {
        if (!step->stubborn)
            throw;
    }
    co_return end_attempt(played, context.attempt());
}

inline boost::asio::awaitable<int> play_awaitable(part step, witness seen_by, tasker::step_context& context)
{
    presence const here{seen_by, context};
    played_attempt const played = attempt_of(*step, context.attempt());
    try {
        if (played.takes > tasker::duration::zero())
            co_await context.sleep_for(played.takes);
    } catch (boost::system::system_error const&) {
        if (!step->stubborn)
            throw;
    }
    co_return end_attempt(played, context.attempt());
}

} // namespace detail

/// The workflow `played/<name>` of these steps, in this order.
inline tasker::workflow played_workflow(std::string name, std::vector<played_step> steps, std::shared_ptr<onlooker> seen_by = {})
{
    tasker::workflow_builder flow{"played", std::move(name), "1.0.0"};
    for (played_step& one : steps) {
        auto const step = std::make_shared<played_step const>(std::move(one));
        auto const parents = tasker::after_named(step->parents);
        auto options = step->options;
        using tasker::step_context;
        if (step->kind == body_kind::blocking)
            options.run_on = tasker::blocking;
        if (step->kind == body_kind::async)
            flow.step(step->name, parents, [step, seen_by](step_context& context) { return detail::play_async(step, seen_by, context); }, options);
        else if (step->kind == body_kind::awaitable)
            flow.step(step->name, parents, [step, seen_by](step_context& context) { return detail::play_awaitable(step, seen_by, context); }, options);
        else
            flow.step(step->name, parents, [step, seen_by](step_context& context) { return detail::play_plain(step, seen_by, context); }, options);
    }
    return std::move(flow).build();
}

} // namespace support
