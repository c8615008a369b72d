#pragma once

#include <tasker/base/config.hpp>
#include <tasker/flow/step_body.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace tasker::detail {

namespace asio = boost::asio;

/// The results that reach the body: those of parents that return something.
template <class... Results>
using without_void = decltype(std::tuple_cat(
    std::declval<std::conditional_t<std::is_void_v<Results>, std::tuple<>, std::tuple<std::conditional_t<std::is_void_v<Results>, int, Results>>>>()...));

/// How a body is called: with or without the leading context.
template <class Body, class Arguments>
struct call_traits;

template <class Body, class... Arguments>
struct call_traits<Body, std::tuple<Arguments...>> {
    static constexpr bool with_context = std::is_invocable_v<Body const&, step_context&, Arguments const&...>;
    static constexpr bool without_context = std::is_invocable_v<Body const&, Arguments const&...>;
    static constexpr bool callable = with_context || without_context;

    static decltype(auto) call(Body const& body, step_context& context, std::tuple<Arguments...> const& arguments)
    {
        if constexpr (with_context)
            return std::apply([&](auto const&... each) -> decltype(auto) { return body(context, each...); }, arguments);
        else
            return std::apply([&](auto const&... each) -> decltype(auto) { return body(each...); }, arguments);
    }
};

template <class Returned>
struct body_result {
    using type = stored_type<Returned>;
};
template <class Result>
struct body_result<async<Result>> {
    using type = stored_type<Result>;
};
template <class Result, class Executor>
struct body_result<asio::awaitable<Result, Executor>> {
    using type = stored_type<Result>;
};

template <class T>
inline constexpr bool is_async = false;
template <class T>
inline constexpr bool is_async<async<T>> = true;
template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class Executor>
inline constexpr bool is_awaitable<asio::awaitable<T, Executor>> = true;

/// Decodes the results of typed edges.
template <class... Arguments>
struct typed_decoder {
    using arguments_type = std::tuple<Arguments...>;

    arguments_type operator()(step_arguments encoded) const
    {
        return decode(encoded, std::index_sequence_for<Arguments...>{});
    }

private:
    template <std::size_t... At>
    static arguments_type decode([[maybe_unused]] step_arguments encoded, std::index_sequence<At...>)
    {
        return arguments_type{codec<Arguments>::decode(encoded[At])...};
    }
};

template <class Tuple>
struct decoder_of;
template <class... Arguments>
struct decoder_of<std::tuple<Arguments...>> {
    using type = typed_decoder<Arguments...>;
};

/// Decodes the results of named edges into one JSON object.
struct named_decoder {
    using arguments_type = std::tuple<boost::json::object>;

    std::vector<std::string> names;

    arguments_type operator()(step_arguments encoded) const;
};

/// The coroutine around a user's coroutine: keeps the arguments alive and encodes the result.
template <class Coroutine, class Body, class Arguments>
Coroutine run_body(Body const& body, step_context& context, Arguments const arguments)
{
    using traits = call_traits<Body, Arguments>;
    using result = typename body_result<std::decay_t<decltype(traits::call(body, context, arguments))>>::type;
    if constexpr (std::is_void_v<result>) {
        co_await traits::call(body, context, arguments);
        co_return payload{};
    } else {
        result const value = co_await traits::call(body, context, arguments);
        co_return codec<result>::encode(value);
    }
}

/// Erases a body's types. `Decoder` makes what the body takes after the context.
template <class Decoder, class Body>
step_body erase_body(Body body, Decoder decoder)
{
    using arguments_type = typename Decoder::arguments_type;
    using traits = call_traits<Body, arguments_type>;
    using returned = std::decay_t<decltype(traits::call(body, std::declval<step_context&>(), std::declval<arguments_type const&>()))>;
    if constexpr (is_async<returned>)
        return async_body{[body = std::move(body), decoder = std::move(decoder)](step_context& context, step_arguments encoded) {
            return run_body<async<payload>, Body, arguments_type>(body, context, decoder(encoded));
        }};
    else if constexpr (is_awaitable<returned>)
        return awaitable_body{[body = std::move(body), decoder = std::move(decoder)](step_context& context, step_arguments encoded) {
            return run_body<asio::awaitable<payload>, Body, arguments_type>(body, context, decoder(encoded));
        }};
    else
        return plain_body{[body = std::move(body), decoder = std::move(decoder)](step_context& context, step_arguments encoded) {
            arguments_type const arguments = decoder(encoded);
            if constexpr (std::is_void_v<returned>) {
                traits::call(body, context, arguments);
                return payload{};
            } else {
                return codec<stored_type<returned>>::encode(traits::call(body, context, arguments));
            }
        }};
}

} // namespace tasker::detail

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/detail/typed_body.ipp>
#endif
