#pragma once

// Included by exactly one source of a program that defines TASKER_SEPARATE_COMPILATION: the library is compiled there.

#include <tasker/base/payload.ipp>
#include <tasker/base/time.ipp>
#include <tasker/engine.ipp>
#include <tasker/engine_options.ipp>
#include <tasker/event/event_bus.ipp>
#include <tasker/event/event_catalogue.ipp>
#include <tasker/event/event_table.ipp>
#include <tasker/event/log_subscriber.ipp>
#include <tasker/event/metrics_subscriber.ipp>
#include <tasker/event/span.ipp>
#include <tasker/event/subscriber_error.ipp>
#include <tasker/event/subscriber_list.ipp>
#include <tasker/event/subscription.ipp>
#include <tasker/event/trace_subscriber.ipp>
#include <tasker/flow/detail/typed_body.ipp>
#include <tasker/flow/diagram.ipp>
#include <tasker/flow/edges.ipp>
#include <tasker/flow/input_schema.ipp>
#include <tasker/flow/step_context.ipp>
#include <tasker/flow/workflow.ipp>
#include <tasker/flow/workflow_builder.ipp>
#include <tasker/flow/workflow_from_json.ipp>
#include <tasker/model/detail/json_kinds.ipp>
#include <tasker/model/detail/json_read.ipp>
#include <tasker/model/diagram.ipp>
#include <tasker/model/graph.ipp>
#include <tasker/model/workflow_key.ipp>
#include <tasker/plan/execution_context.ipp>
#include <tasker/plan/readiness.ipp>
#include <tasker/policy/backoff.ipp>
#include <tasker/policy/delay_policy.ipp>
#include <tasker/policy/http_date.ipp>
#include <tasker/policy/http_retry.ipp>
#include <tasker/policy/retry_policy.ipp>
#include <tasker/runtime/engine_environment.ipp>
#include <tasker/runtime/inspection.ipp>
#include <tasker/runtime/task_ending.ipp>
#include <tasker/store/announcements.ipp>
#include <tasker/store/any_store.ipp>
#include <tasker/store/memory_store.ipp>
#include <tasker/store/store.ipp>

template class tasker::basic_engine<void>;
template class tasker::basic_task_handle<void>;
