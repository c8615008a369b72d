#pragma once

#include <tasker/base/overloaded.hpp>
#include <tasker/event/events.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tasker {

namespace detail {

template <class Writer>
void write_own_fields(event const& one, Writer& out)
{
    std::visit(
        overloaded{
            [](auto const&) {},
            [&](task_claimed const& e) { out("claim", std::string_view{e.recovered ? "recovered" : "taken"}); },
            [&](task_waiting const& e) {
                out("reason", std::string_view{e.reason});
                out("until", e.until);
                out("memory", std::string_view{e.parked ? "parked" : "resident"});
            },
            [&](task_completed const& e) { out("elapsed", e.elapsed); },
            [&](task_failed const& e) {
                out("what", std::string_view{e.what});
                out("failed_steps", static_cast<long long>(e.failed_steps));
                out("total_steps", static_cast<long long>(e.total_steps));
                out("completion_percentage", e.completion_percentage);
                out("elapsed", e.elapsed);
            },
            [&](task_cancelled const& e) { out("reason", std::string_view{e.reason}); },
            [&](step_completed const& e) { out("elapsed", e.elapsed); },
            [&](step_failed const& e) {
                out("kind", name(e.kind));
                out("what", std::string_view{e.what});
                out("type", std::string_view{e.type});
                out("elapsed", e.elapsed);
                if (e.next_retry_at)
                    out("next_retry_at", *e.next_retry_at);
            },
            [&](store_failing const& e) {
                out("what", std::string_view{e.what});
                out("failures", static_cast<long long>(e.failures));
            },
            [&](command_refused const& e) {
                out("command", name(e.kind));
                out("what", std::string_view{e.what});
            },
        },
        one);
}

} // namespace detail

/// Hands every field of the event but its payloads to `out(key, value)`, its task and step first; a value is a
/// `std::string_view`, `long long`, `double`, `duration`, `time_point` or `task_id`.
/// Results and custom data are left out: they are the user's, may be secret and may be large.
template <class Writer>
void write_fields(event const& one, Writer& out)
{
    std::visit(
        [&]<class Event>(Event const& e) {
            if constexpr (std::derived_from<Event, task_event>) {
                out("task", e.task);
                out("workflow", std::string_view{e.workflow});
            }
            if constexpr (std::derived_from<Event, step_event>) {
                out("step", std::string_view{e.step});
                out("attempt", static_cast<long long>(e.attempt));
                out("max_attempts", static_cast<long long>(e.max_attempts));
            }
        },
        one);
    detail::write_own_fields(one, out);
}

/// When the event became true, on the engine's clock.
inline time_point time_of(event const& one)
{
    return std::visit([](auto const& e) { return e.at; }, one);
}

} // namespace tasker
