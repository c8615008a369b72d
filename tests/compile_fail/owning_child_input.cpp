// only: g++ 12
// error: tasker: g++ before 13 destroys an owning temporary inside co_await twice
#include <tasker/flow/workflow_context.hpp>

#include <boost/describe/class.hpp>

#include <string>

struct order {
    std::string sku;
    int quantity;
};
BOOST_DESCRIBE_STRUCT(order, (), (sku, quantity))

boost::asio::awaitable<void> place(tasker::workflow_context& wf) { co_await wf.child<int>("order", "shop/order", order{"A1", 2}); }

int main() {}
