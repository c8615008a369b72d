#include <tasker/event/histogram.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>

using namespace tasker;
using namespace std::chrono_literals;

TEST_CASE("a length on a bucket's bound is in that bucket, and the counts are cumulative")
{
    duration_histogram lengths;
    for (duration const each : {duration{0}, duration{5ms}, duration{5'001us}, duration{1s}, duration{10s},
                                duration{10'000'001us}})
        lengths.add(each);
    CHECK(lengths.count() == 6);
    CHECK(lengths.sum() == 21'010'002us);
    std::string out;
    lengths.append(out, "x_seconds", "step=\"a\"");
    CHECK(out == "x_seconds_bucket{step=\"a\",le=\"0.005\"} 2\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.01\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.025\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.05\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.1\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.25\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"0.5\"} 3\n"
                 "x_seconds_bucket{step=\"a\",le=\"1\"} 4\n"
                 "x_seconds_bucket{step=\"a\",le=\"2.5\"} 4\n"
                 "x_seconds_bucket{step=\"a\",le=\"5\"} 4\n"
                 "x_seconds_bucket{step=\"a\",le=\"10\"} 5\n"
                 "x_seconds_bucket{step=\"a\",le=\"+Inf\"} 6\n"
                 "x_seconds_sum{step=\"a\"} 21.010002\n"
                 "x_seconds_count{step=\"a\"} 6\n");
}
