// only: g++ 12
// error: tasker: g++ before 13 destroys an owning temporary inside co_await twice
#include <tasker/engine.hpp>

#include <boost/describe/class.hpp>

#include <string>

struct order {
    std::string sku;
    int quantity;
};
BOOST_DESCRIBE_STRUCT(order, (), (sku, quantity))

boost::asio::awaitable<void> place(tasker::engine& engine) { co_await engine.submit("shop/order", order{"A1", 2}); }

int main() {}
