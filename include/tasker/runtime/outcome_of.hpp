#pragma once

#include <tasker/base/error.hpp>
#include <tasker/plan/settle.hpp>

#include <boost/asio/error.hpp>
#include <boost/core/demangle.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

namespace tasker {

/// Why a body was asked to stop, if it was: its own "operation aborted" then means just that.
enum class stop_reason { none, cancelled };

namespace detail {

template <class = void>
inline attempt_outcome failed(failure_kind kind, std::exception const& thrown)
{
    return {attempt_outcome::kind::failed, {}, {kind, thrown.what(), boost::core::demangle(typeid(thrown).name())}, {}};
}

} // namespace detail

/// What a body's exception means for its attempt. A body that was asked to stop and threw was cancelled.
template <class = void>
inline attempt_outcome outcome_of(std::exception_ptr const& thrown, stop_reason stop)
{
    if (stop == stop_reason::cancelled)
        return {attempt_outcome::kind::cancelled, {}, {}, {}};
    try {
        std::rethrow_exception(thrown);
    } catch (retry_after const& asked) {
        auto outcome = detail::failed(failure_kind::retry_after, asked);
        outcome.retry_delay = asked.delay();
        return outcome;
    } catch (permanent_error const& final) {
        return detail::failed(failure_kind::permanent, final);
    } catch (std::exception const& other) {
        return detail::failed(failure_kind::transient, other);
    } catch (...) {
        return {attempt_outcome::kind::failed,
                {},
                {failure_kind::transient, "the body threw something that is no std::exception", "unknown"},
                {}};
    }
}

} // namespace tasker
