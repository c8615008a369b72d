// A first workflow: typed steps, whose results arrive as the arguments of the steps that come after them.
// An edge is a handle of an earlier step, so that a typo, a cycle or a wrong type does not compile.

#include <tasker/tasker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/describe/class.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;

struct order {
    std::string sku;
    int quantity = 0;
};
struct receipt {
    int euros = 0;
};
struct reservation {
    std::string shelf;
};
struct parcel {
    std::string label;
};
BOOST_DESCRIBE_STRUCT(order, (), (sku, quantity)) // what is described can be stored, and handed from step to step
BOOST_DESCRIBE_STRUCT(receipt, (), (euros))
BOOST_DESCRIBE_STRUCT(reservation, (), (shelf))
BOOST_DESCRIBE_STRUCT(parcel, (), (label))

receipt charge(order const& placed)
{
    return {placed.quantity * 20};
}

reservation reserve(order const& placed)
{
    return {"shelf of " + placed.sku};
}

parcel ship(receipt const& paid, reservation const& held)
{
    return {"from the " + held.shelf + ", " + std::to_string(paid.euros) + " euros paid"};
}

tasker::workflow fulfil_order()
{
    tasker::workflow_builder flow{"shop", "fulfil-order", "1.0.0"};
    auto const placed = flow.input<order>();
    auto const paid = flow.step("charge", after(placed), charge);
    auto const held = flow.step("reserve", after(placed), reserve); // beside "charge": neither waits for the other
    flow.step("ship", after(paid, held), ship);
    return std::move(flow).build();
}

asio::awaitable<void> serve()
{
    tasker::engine engine{co_await asio::this_coro::executor, tasker::memory_store{}};
    engine.add(fulfil_order());

    order const placed{"A1", 2};
    tasker::task_handle const task = co_await engine.submit("shop/fulfil-order", placed);
    parcel const sent = co_await task.result<parcel>();
    std::cout << "sent: " << sent.label << '\n';
}

int main()
{
    asio::io_context io;
    asio::co_spawn(io, serve(), [](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
    });
    io.run();
}
