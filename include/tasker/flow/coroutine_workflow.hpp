#pragma once

#include <tasker/flow/detail/awaitable_chain.hpp>
#include <tasker/flow/workflow_builder.hpp>
#include <tasker/flow/workflow_context.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tasker {

namespace detail {

template <class Signature>
struct coroutine_signature {
    static_assert(!std::is_same_v<Signature, Signature>,
                  "tasker: a workflow's coroutine takes tasker::workflow_context& and at most one input, and returns boost::asio::awaitable<R> or "
                  "tasker::async<R>");
};
template <class Result>
struct coroutine_signature<boost::asio::awaitable<Result>(workflow_context&)> {
    using result = Result;
    using input = void;
};
template <class Result, class Input>
struct coroutine_signature<boost::asio::awaitable<Result>(workflow_context&, Input)> {
    using result = Result;
    using input = std::remove_cvref_t<Input>;
};
template <class Result, class... Input>
struct coroutine_signature<async<Result>(workflow_context&, Input...)> : coroutine_signature<boost::asio::awaitable<Result>(workflow_context&, Input...)> {};

/// The signature of a function, or of a closure's call.
template <class Result, class... Arguments>
auto signature_of_call(Result (*)(Arguments...)) -> coroutine_signature<Result(Arguments...)>;
template <class Closure, class Result, class... Arguments>
auto signature_of_call(Result (Closure::*)(Arguments...) const) -> coroutine_signature<Result(Arguments...)>;
template <class Coroutine>
auto signature_of_coroutine()
{
    if constexpr (std::is_pointer_v<Coroutine>)
        return std::type_identity<decltype(signature_of_call(std::declval<Coroutine>()))>{};
    else
        return std::type_identity<decltype(signature_of_call(&Coroutine::operator()))>{};
}
template <class Coroutine>
using coroutine_traits = typename decltype(signature_of_coroutine<Coroutine>())::type;

/// The coroutine around a user's: keeps the input alive and encodes the result.
template <class Result, class Coroutine, class... Input>
boost::asio::awaitable<payload> run_coroutine(Coroutine const& coroutine, workflow_context& wf, std::tuple<Input...> input)
{
    auto const call = [&](auto const&... each) {
        if constexpr (is_async<decltype(coroutine(wf, each...))>)
            return as_awaitable(coroutine(wf, each...));
        else
            return coroutine(wf, each...);
    };
    if constexpr (std::is_void_v<Result>) {
        co_await std::apply(call, std::as_const(input));
        co_return payload{};
    } else {
        Result const value = co_await std::apply(call, std::as_const(input));
        co_return codec<stored_type<Result>>::encode(value);
    }
}

} // namespace detail

/// A workflow that is a coroutine: `asio::awaitable<Result> f(workflow_context&, Input const&)`, or without an input, or a
/// `tasker::async<Result>`; a function, or a closure that is not generic. It is used wherever a declared one is.
/// Throws `error{invalid_definition}` as `workflow_builder` does.
template <class Coroutine>
workflow coroutine_workflow(std::string name_space, std::string name, std::string version, Coroutine coroutine)
{
    using traits = detail::coroutine_traits<Coroutine>;
    workflow_builder builder{std::move(name_space), std::move(name), std::move(version)};
    if constexpr (std::is_void_v<typename traits::input>) {
        builder.coroutine([coroutine = std::move(coroutine)](workflow_context& wf, payload const&) {
            return detail::run_coroutine<typename traits::result>(coroutine, wf, std::tuple<>{});
        });
    } else {
        static_cast<void>(builder.input<typename traits::input>());
        builder.coroutine([coroutine = std::move(coroutine)](workflow_context& wf, payload const& input) {
            return detail::run_coroutine<typename traits::result>(coroutine, wf, std::tuple{codec<typename traits::input>::decode(input)});
        });
    }
    return std::move(builder).build();
}

} // namespace tasker
