// error: tasker: a tasker::async can be awaited by another tasker::async only
#include <tasker/flow/async.hpp>

#include <boost/asio/awaitable.hpp>

tasker::async<int> one() { co_return 1; }

struct other {
    struct promise_type {
        other get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

other await_elsewhere() { co_await one(); }

int main() { await_elsewhere(); }
