#include <tasker/event/subscribe_options.hpp>

#include <tasker/event/metrics_subscriber.hpp>

#include "support/catch.hpp"

#include <functional>

using namespace tasker;

TEST_CASE("a subscriber without options of its own is queued, with room for 65,536 events")
{
    auto const options = default_options_of<void (*)(event const&)>;
    CHECK(options.delivery == delivery::queued);
    CHECK(options.capacity == 65'536);
    CHECK(options.name.empty());
}

TEST_CASE("a subscriber class decides how it is told, also when it is passed by reference")
{
    CHECK(default_options_of<metrics_subscriber>.delivery == delivery::in_place);
    CHECK(default_options_of<metrics_subscriber>.name == "metrics");
    CHECK(default_options_of<std::reference_wrapper<metrics_subscriber>>.delivery == delivery::in_place);
}
