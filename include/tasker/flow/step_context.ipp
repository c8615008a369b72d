#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/step_context.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tasker {

TASKER_INLINE void* attempt_services::transaction_session()
{
    throw permanent_error{"nothing here records this attempt's outcome, so there is no transaction for it"};
}

TASKER_INLINE step_context::step_context(attempt_services& services, attempt_facts facts, boost::asio::any_io_executor executor)
    : services_{&services}, facts_{std::move(facts)}, own_executor_{std::move(executor)}, executor_{&own_executor_}
{
}

TASKER_INLINE std::string step_context::idempotency_key() const { return to_text(facts_.task) + "/" + std::string{facts_.step}; }

TASKER_INLINE boost::asio::any_io_executor step_context::get_executor() const noexcept { return *executor_; }

TASKER_INLINE void step_context::publish(std::string_view name) { services_->publish(name, payload{}); }

} // namespace tasker
