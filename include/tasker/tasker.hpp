#pragma once

// What most programs need: workflows, the engine, the memory store, and the subscribers that ship with the library.
// A SQL store is included by itself, since it needs SOCI: <tasker/store/sqlite_store.hpp>.

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/engine.hpp>
#include <tasker/event/log_subscriber.hpp>
#include <tasker/event/metrics_subscriber.hpp>
#include <tasker/event/trace_subscriber.hpp>
#include <tasker/flow/async.hpp>
#include <tasker/flow/coroutine_workflow.hpp>
#include <tasker/flow/diagram.hpp>
#include <tasker/flow/on.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/flow/workflow_from_json.hpp>
#include <tasker/policy/http_retry.hpp>
#include <tasker/store/memory_store.hpp>
