#include <tasker/store/sql/loan.hpp>

#include "support/catch.hpp"

#include <memory>

using tasker::sql::loan;

TEST_CASE("as many loans as there are may be out, and one that ended makes room, whoever still has it")
{
    auto const desk = std::make_shared<loan::desk>(2);
    loan first{desk};
    {
        loan const second{desk};
        CHECK_FALSE(desk->try_acquire());
    }
    CHECK(desk->try_acquire());
    CHECK_FALSE(desk->try_acquire());
    first.end();
    first.end();
    CHECK(desk->try_acquire());
    CHECK_FALSE(desk->try_acquire());
}
