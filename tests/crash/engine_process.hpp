#pragma once

#include "support/child_process.hpp"

#include "worker_process.hpp"

#include <tasker/store/postgres_store.hpp>
#include <tasker/tasker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/fwd.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace crash {

namespace asio = boost::asio;
namespace json = boost::json;

/// Where a store is, and how the engines on it work.
struct engine_place {
    std::string connection;
    std::string schema;
    tasker::engine_options options;
};

/// Seconds on a clock that all processes of the machine share.
inline double seconds_now()
{
    return std::chrono::duration<double>{std::chrono::steady_clock::now().time_since_epoch()}.count();
}

/// A process with an engine in it, which a test may kill, stop and end.
class engine_process {
public:
    using preparation = std::function<void(tasker::engine&)>;
    using errand = std::function<asio::awaitable<void>(tasker::engine&)>;

    /// Works from when `prepare(engine)` has returned until it is told to `finish`.
    static std::unique_ptr<engine_process> serving(engine_place const& place, preparation const& prepare)
    {
        return start(place, [&](asio::io_context& context, tasker::engine& engine) {
            prepare(engine);
            auto stop = std::make_shared<asio::signal_set>(context, SIGTERM);
            stop->async_wait([&context, &engine, stop](boost::system::error_code problem, int) {
                if (!problem)
                    end_with(context, engine.drain());
            });
        });
    }

    /// Ends by itself when `run(engine)` has; its engine drains then.
    static std::unique_ptr<engine_process> on_errand(engine_place const& place, preparation const& prepare,
                                                     errand const& run)
    {
        return start(place, [&](asio::io_context& context, tasker::engine& engine) {
            prepare(engine);
            end_with(context, run_and_drain(engine, run));
        });
    }

    pid_t id() const { return child_.id(); }
    /// When its engine works; false when it ended before.
    bool wait_until_ready() { return is_ready_ || (is_ready_ = child_.hear().has_value()); }
    void signal(int number) { ::kill(child_.id(), number); }
    void kill() { child_.kill(); }
    /// Zero when it ended well.
    int wait() { return child_.wait(); }
    /// Has it drain and end; zero when it did so well.
    int finish()
    {
        if (wait_until_ready())
            signal(SIGTERM);
        return wait();
    }

    template <class Work>
    engine_process(engine_place const& place, Work const& work)
        : child_{[&](support::child_process& parent) { return live(parent, place, work); }}
    {
    }

private:
    template <class Work>
    static std::unique_ptr<engine_process> start(engine_place const& place, Work const& work)
    {
        return std::make_unique<engine_process>(place, work);
    }

    template <class Work>
    static int live(support::child_process& parent, engine_place const& place, Work const& work)
    {
#ifdef __linux__
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that ends early leaves nobody behind
#endif
        asio::io_context context{1};
        tasker::postgres_options of;
        of.schema = place.schema;
        tasker::engine engine{context, tasker::postgres_store{place.connection, of}, place.options};
        work(context, engine);
        parent.tell(1);
        context.run();
        return 0;
    }

    static asio::awaitable<void> run_and_drain(tasker::engine& engine, errand const run)
    {
        co_await run(engine);
        co_await engine.drain();
    }

    support::child_process child_;
    bool is_ready_ = false;
};

} // namespace crash
