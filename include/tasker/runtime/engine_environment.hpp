#pragma once

#include <tasker/base/config.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace tasker {

class clock;
template <class>
class basic_engine_core;
using engine_core = basic_engine_core<void>;

/// Where calls into the store run.
enum class store_calls {
    offloaded, ///< on threads of their own when the store blocks
    in_place,  ///< always on the engine's strand: deterministic, for simulations
};

/// A seed that nobody can foresee.
TASKER_INLINE std::uint64_t random_seed();

/// What surrounds an engine and differs between the real world and a simulation.
struct engine_environment {
    std::shared_ptr<clock> time = {};                               ///< none: the system's
    store_calls calls = store_calls::offloaded;                     ///< where the store is called
    std::optional<boost::asio::any_io_executor> blocking = {};      ///< instead of a pool of the engine's own
    std::uint64_t seed = random_seed(); ///< of jitter and ids; equal seeds run equally on a virtual clock
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/runtime/engine_environment.ipp>
#endif
