#include <tasker/model/command.hpp>

#include "support/catch.hpp"

using namespace tasker;

TEST_CASE("every command has the name an operator types")
{
    CHECK(name(command_kind::cancel) == "cancel");
    CHECK(name(command_kind::retry) == "retry");
    CHECK(name(command_kind::resolve) == "resolve");
    CHECK(name(command_kind::cancel_step) == "cancel_step");
    CHECK(name(command_kind::reset_step) == "reset_step");
    CHECK(name(command_kind::resolve_step) == "resolve_step");
}

TEST_CASE("commands are equal when kind, step, result and reason are")
{
    command const resolve{command_kind::resolve_step, "charge", payload{"{\"paid\":true}"}, "paid by hand"};
    CHECK(resolve == command{command_kind::resolve_step, "charge", payload{"{\"paid\":true}"}, "paid by hand"});
    CHECK_FALSE(resolve == command{command_kind::reset_step, "charge", payload{"{\"paid\":true}"}, "paid by hand"});
    CHECK_FALSE(resolve == command{command_kind::resolve_step, "ship", payload{"{\"paid\":true}"}, "paid by hand"});
    CHECK_FALSE(resolve == command{command_kind::resolve_step, "charge", payload{}, "paid by hand"});
    CHECK_FALSE(resolve == command{command_kind::resolve_step, "charge", payload{"{\"paid\":true}"}, ""});
}
