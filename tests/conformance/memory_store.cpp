#include <tasker/store/memory_store.hpp>
#include <tasker/testing/store_conformance.hpp>

#include "support/catch.hpp"

using namespace tasker;

TEST_CASE("the memory store keeps every sentence of the store contract "
          "[A07][A11][A13][B11][B12][B15][B16][C16][E12][F24][F25][J11][J12][J22]",
          "[conformance]")
{
    for (testing::conformance_check const& check : testing::conformance_checks)
        DYNAMIC_SECTION(check.sentence)
        {
            REQUIRE_NOTHROW(testing::run_check(check, memory_store{}));
        }
}
