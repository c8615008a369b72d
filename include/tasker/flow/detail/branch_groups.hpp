#pragma once

#include <tasker/flow/detail/checkpoint_awaits.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Coroutines side by side, any number of them.
namespace tasker::detail {

template <class Result>
using stored_branch = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

/// What came of some branches, and in which order they ended.
template <class Result>
struct branch_ends {
    std::vector<std::size_t> order;
    std::vector<std::exception_ptr> problems;
    std::vector<stored_branch<Result>> results;
};

/// Until all have ended; `condition` says when to cancel the others. Preconditions: there is one.
template <class Result, class Condition>
boost::asio::awaitable<branch_ends<Result>> await_group(std::vector<boost::asio::awaitable<Result>> branches, Condition condition)
{
    auto const executor = co_await boost::asio::this_coro::executor;
    using operation = decltype(boost::asio::co_spawn(executor, std::declval<boost::asio::awaitable<Result>>(), boost::asio::deferred));
    std::vector<operation> operations;
    for (auto& one : branches)
        operations.push_back(boost::asio::co_spawn(executor, std::move(one), boost::asio::deferred));
    auto group = boost::asio::experimental::make_parallel_group(std::move(operations));
    branch_ends<Result> ends;
    if constexpr (std::is_void_v<Result>) {
        auto told = co_await group.async_wait(condition, boost::asio::use_awaitable);
        ends.order = std::move(std::get<0>(told));
        ends.problems = std::move(std::get<1>(told));
        ends.results.resize(ends.order.size());
    } else {
        auto told = co_await group.async_wait(condition, boost::asio::use_awaitable);
        ends.order = std::move(std::get<0>(told));
        ends.problems = std::move(std::get<1>(told));
        ends.results = std::move(std::get<2>(told));
    }
    co_return ends;
}

/// Whether Asio can hand on such a result beside an exception.
template <class Result>
inline constexpr bool is_made_of_nothing = std::is_void_v<Result> || std::is_default_constructible_v<Result>;

template <class Result>
    requires is_made_of_nothing<Result>
boost::asio::awaitable<mapped<Result>> await_branches(std::vector<boost::asio::awaitable<Result>> branches)
{
    branch_ends<Result> ends;
    if (!branches.empty())
        ends = co_await await_group(std::move(branches), boost::asio::experimental::wait_for_one_error{});
    for (std::size_t const at : ends.order)
        if (ends.problems[at])
            std::rethrow_exception(ends.problems[at]);
    if constexpr (!std::is_void_v<Result>)
        co_return std::move(ends.results);
}

template <class Result>
    requires is_made_of_nothing<Result>
boost::asio::awaitable<std::pair<std::size_t, stored_branch<Result>>> await_first_branch(std::vector<boost::asio::awaitable<Result>> branches)
{
    auto ends = co_await await_group(std::move(branches), boost::asio::experimental::wait_for_one_success{});
    for (std::size_t const at : ends.order)
        if (!ends.problems[at])
            co_return std::pair{at, std::move(ends.results[at])};
    std::rethrow_exception(ends.problems[ends.order.front()]);
}

template <class Result>
boost::asio::awaitable<std::optional<Result>> in_optional(boost::asio::awaitable<Result> branch)
{
    co_return co_await std::move(branch);
}

template <class Result>
std::vector<boost::asio::awaitable<std::optional<Result>>> in_optionals(std::vector<boost::asio::awaitable<Result>> branches)
{
    std::vector<boost::asio::awaitable<std::optional<Result>>> all;
    for (auto& one : branches)
        all.push_back(in_optional(std::move(one)));
    return all;
}

template <class Result>
    requires(!is_made_of_nothing<Result>)
boost::asio::awaitable<std::vector<Result>> await_branches(std::vector<boost::asio::awaitable<Result>> branches)
{
    auto ends = co_await await_branches(in_optionals(std::move(branches)));
    std::vector<Result> results;
    for (auto& one : ends)
        results.push_back(std::move(*one));
    co_return results;
}

template <class Result>
    requires(!is_made_of_nothing<Result>)
boost::asio::awaitable<std::pair<std::size_t, Result>> await_first_branch(std::vector<boost::asio::awaitable<Result>> branches)
{
    auto first = co_await await_first_branch(in_optionals(std::move(branches)));
    co_return std::pair<std::size_t, Result>{first.first, std::move(*first.second)};
}

} // namespace tasker::detail
