#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>

namespace tasker {

class clock;
class engine_core;

/// Where calls into the store run.
enum class store_calls {
    offloaded, ///< on threads of their own when the store blocks
    in_place,  ///< always on the engine's strand: deterministic, for simulations
};

/// What surrounds an engine and differs between the real world and a simulation.
struct engine_environment {
    std::shared_ptr<clock> time = {};                               ///< none: the system's
    store_calls calls = store_calls::offloaded;                     ///< where the store is called
    std::optional<boost::asio::any_io_executor> blocking = {};      ///< instead of a pool of the engine's own
    std::uint64_t seed = std::random_device{}() * 0x1'0000'0001ULL; ///< of jitter and ids; equal seeds run equally on a virtual clock
};

} // namespace tasker
