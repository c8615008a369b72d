#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>

#include <chrono>
#include <cstdint>
#include <random>

namespace tasker {

/// Makes version 7 UUIDs (RFC 9562, section 5.7): milliseconds, then a counter within the millisecond, then random
/// bits, so that ids of one generator strictly increase and neighbours in time are neighbours in an index.
/// Not thread-safe.
class uuid_generator {
public:
    /// Equal seeds and times make equal ids.
    explicit uuid_generator(std::uint64_t seed) : random_{seed} {}

    /// The next id, made at `now`; greater than all before, even when `now` goes back.
    template <class Id>
    Id next(time_point now)
    {
        auto const ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
        if (ms > last_ms_) {
            last_ms_ = ms;
            counter_ = random_() & 0x7ff;
        } else if (++counter_ > 0xfff) { // more than 2,048 in one millisecond: borrow from the next
            ++last_ms_;
            counter_ = 0;
        }
        Id id;
        id.high = (last_ms_ << 16) | 0x7000U | counter_;
        id.low = (random_() >> 2) | 0x8000'0000'0000'0000U;
        return id;
    }

private:
    std::mt19937_64 random_;
    std::uint64_t last_ms_ = 0;
    std::uint64_t counter_ = 0;
};

} // namespace tasker
