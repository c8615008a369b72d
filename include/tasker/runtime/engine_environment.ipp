#pragma once

#include <tasker/runtime/engine_environment.hpp>

#include <cstdint>
#include <random>

namespace tasker {

TASKER_INLINE std::uint64_t random_seed() { return std::random_device{}() * 0x1'0000'0001ULL; }

} // namespace tasker
