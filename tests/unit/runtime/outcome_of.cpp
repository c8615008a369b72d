#include <tasker/runtime/outcome_of.hpp>

#include "support/catch.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

struct out_of_stock : permanent_error {
    using permanent_error::permanent_error;
};

template <class Thrown>
attempt_outcome outcome(Thrown const& thrown, stop_reason stop = stop_reason::none)
{
    return outcome_of(std::make_exception_ptr(thrown), stop);
}

} // namespace

TEST_CASE("an ordinary exception is a transient failure with its message and class [F23]", "[F23]")
{
    auto const ended = outcome(std::runtime_error{"no route"});
    CHECK(ended.how == attempt_outcome::kind::failed);
    CHECK(ended.problem == failure{failure_kind::transient, "no route", "std::runtime_error"});
    CHECK_FALSE(ended.retry_delay);
}

TEST_CASE("a transient error is one by its class too")
{
    CHECK(outcome(transient_error{"later"}).problem == failure{failure_kind::transient, "later", "tasker::transient_error"});
    CHECK(outcome(std::bad_alloc{}).problem.kind == failure_kind::transient);
}

TEST_CASE("retry_after carries its wait")
{
    auto const ended = outcome(retry_after{30s, "busy"});
    CHECK(ended.problem == failure{failure_kind::retry_after, "busy", "tasker::retry_after"});
    CHECK(ended.retry_delay == duration{30s});
}

TEST_CASE("a permanent error is final, and so is one derived from it [F22]", "[F22]")
{
    CHECK(outcome(permanent_error{"never"}).problem.kind == failure_kind::permanent);
    auto const ended = outcome(out_of_stock{"none left"});
    CHECK(ended.problem.kind == failure_kind::permanent);
    CHECK_THAT(ended.problem.type, support::contains("out_of_stock"));
}

TEST_CASE("something that is no exception is a transient failure of unknown class")
{
    CHECK(outcome(42).problem == failure{failure_kind::transient, "the body threw something that is no std::exception", "unknown"});
}

TEST_CASE("a body that was asked to stop and threw was cancelled, whatever it threw")
{
    boost::system::system_error const aborted{boost::asio::error::operation_aborted};
    CHECK(outcome(aborted, stop_reason::cancelled).how == attempt_outcome::kind::cancelled);
    CHECK(outcome(permanent_error{"never"}, stop_reason::cancelled).how == attempt_outcome::kind::cancelled);
    CHECK(outcome(aborted).problem.kind == failure_kind::transient);
}
