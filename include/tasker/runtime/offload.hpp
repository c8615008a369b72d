#pragma once

#include <tasker/runtime/engine_environment.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace tasker {

/// Calls into a blocking store on threads of its own and hands the results to the strand.
/// Work never owns the engine; results that come after its end are dropped.
template <class Lazy>
class basic_offload {
public:
    static constexpr std::size_t lanes = 5; ///< commits and heartbeats do not stand in line behind claims and queries

    basic_offload(boost::asio::any_io_executor strand, store_calls calls) : strand_{std::move(strand)}
    {
        if (calls == store_calls::offloaded)
            for (auto& pool : pools_)
                pool = std::make_unique<boost::asio::thread_pool>(1);
    }
    ~basic_offload() { join(); }
    basic_offload(basic_offload const&) = delete;
    basic_offload& operator=(basic_offload const&) = delete;

    enum class lane : std::size_t {
        journal,
        leases,
        queries,
        listening,    ///< connecting to hear announcements may take long
        transactions, ///< ends those of bodies; the last to be joined, since other lanes may wait for their end
    };

    /// Runs `work`, then `then(exception, optional result)` on the strand, unless `owner` is gone by then.
    template <class Owner, class Work, class Then>
    void run(lane where, std::weak_ptr<Owner> owner, Work work, Then then)
    {
        if (!pools_[0]) {
            call(work, then);
            return;
        }
        boost::asio::post(*pools_[static_cast<std::size_t>(where)],
                          [strand = strand_, owner = std::move(owner), work = std::move(work), then = std::move(then)]() mutable {
                              auto deliver = [&](std::exception_ptr problem, auto result) {
                                  boost::asio::post(strand, [owner = std::move(owner), then = std::move(then), problem,
                                                             result = std::move(result)]() mutable {
                                      if (auto const alive = owner.lock())
                                          then(problem, std::move(result));
                                  });
                              };
                              call(work, deliver);
                          });
    }

    /// Whether calls run where they are made, on the strand.
    bool is_in_place() const noexcept { return !pools_[0]; }

    /// Waits for calls under way; later ones are not made.
    void join()
    {
        for (auto& pool : pools_)
            if (pool) {
                pool->stop();
                pool->join();
            }
    }

private:
    template <class Work, class Then>
    static void call(Work& work, Then& then)
    {
        using result_type = std::invoke_result_t<Work&>;
        std::optional<result_type> result;
        std::exception_ptr problem;
        try {
            result.emplace(work());
        } catch (...) {
            problem = std::current_exception();
        }
        then(problem, std::move(result));
    }

    boost::asio::any_io_executor strand_;
    std::unique_ptr<boost::asio::thread_pool> pools_[lanes];
};
using offload = basic_offload<void>;

} // namespace tasker
