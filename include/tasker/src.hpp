#pragma once

// Included by exactly one source of a program that defines TASKER_SEPARATE_COMPILATION: the library is compiled there.

#include <tasker/engine.ipp>
#include <tasker/event/event_bus.ipp>
#include <tasker/event/event_catalogue.ipp>
#include <tasker/event/log_subscriber.ipp>
#include <tasker/event/metrics_subscriber.ipp>
#include <tasker/event/subscriber_list.ipp>
#include <tasker/event/subscription.ipp>
#include <tasker/event/trace_subscriber.ipp>
#include <tasker/flow/diagram.ipp>
#include <tasker/flow/input_schema.ipp>
#include <tasker/flow/workflow.ipp>
#include <tasker/flow/workflow_builder.ipp>
#include <tasker/flow/workflow_from_json.ipp>
#include <tasker/model/diagram.ipp>
#include <tasker/runtime/inspection.ipp>
#include <tasker/runtime/task_outcome.ipp>
#include <tasker/store/memory_store.ipp>
