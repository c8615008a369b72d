// only: g++ 12
// error: tasker: g++ before 13 destroys an owning closure inside co_await twice
#include <tasker/flow/step_context.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <string>

boost::asio::awaitable<void> work(tasker::step_context& context)
{
    std::string text = "owned";
    co_await context.blocking([text] { return text.size(); });
}

int main() {}
