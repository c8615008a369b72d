#pragma once

#include <tasker/engine_options.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/testing/simulation.hpp>

#include <chrono>
#include <utility>

namespace support {

/// A worker that beats every 3 s, is dead 9 s after its last heartbeat, and looks for work by itself once a minute.
inline tasker::engine_options leased()
{
    tasker::engine_options options = tasker::testing::patient_options();
    options.lease = std::chrono::seconds{9};
    options.safety_poll = std::chrono::minutes{1};
    return options;
}

/// The workflow `test/single`.
template <class Body>
tasker::workflow single(Body body, tasker::step_options const& options = {.retry = {.jitter = tasker::jitter::none}})
{
    tasker::workflow_builder flow{"test", "single"};
    flow.step("only", std::move(body), options);
    return std::move(flow).build();
}

} // namespace support
