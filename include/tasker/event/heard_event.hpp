#pragma once

#include <tasker/event/events.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <variant>

namespace tasker {

/// A set of event types, one bit an alternative of `event`.
using event_set = std::uint32_t;
static_assert(std::variant_size_v<event> <= 32, "event_set has a bit for each event type: widen it");

namespace detail {

template <class Heard, class... Event>
constexpr event_set set_of(std::type_identity<std::variant<Event...>>)
{
    event_set heard = 0;
    event_set bit = 1;
    ((heard |= std::same_as<Heard, event> || std::derived_from<Event, Heard> ? bit : event_set{0}, bit <<= 1U), ...);
    return heard;
}

template <class Callable>
struct parameter_of {};
template <class Result, class Parameter>
struct parameter_of<Result (*)(Parameter)> {
    using parameter = Parameter;
    using result = Result;
};
template <class Result, class Parameter>
struct parameter_of<Result (*)(Parameter) noexcept> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter)> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) const> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter)&> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) const&> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) noexcept> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) const noexcept> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) & noexcept> : parameter_of<Result (*)(Parameter)> {};
template <class Class, class Result, class Parameter>
struct parameter_of<Result (Class::*)(Parameter) const & noexcept> : parameter_of<Result (*)(Parameter)> {};

template <class Callable>
struct signature_of : parameter_of<Callable> {};
template <class Callable>
    requires requires { &Callable::operator(); }
struct signature_of<Callable> : parameter_of<decltype(&Callable::operator())> {};
template <class Callable>
struct signature_of<std::reference_wrapper<Callable>> : signature_of<std::remove_const_t<Callable>> {};

} // namespace detail

/// The event types that are `Heard` or derive from it; all of them for `event` itself.
template <class Heard>
inline constexpr event_set event_set_of = detail::set_of<Heard>(std::type_identity<event>{});

/// Whether the parameter type of `Callable` can be told: a function, a lambda, or a class with one operator().
template <class Callable>
concept has_one_parameter = requires { typename detail::signature_of<Callable>::parameter; };

/// Whether a parameter of this type can be given a `T const&`.
template <class Parameter>
concept takes_const = !std::is_reference_v<Parameter> || (std::is_lvalue_reference_v<Parameter> &&
                                                          std::is_const_v<std::remove_reference_t<Parameter>>);

/// Calls `subscriber` with `one`, if that is among what its parameter type hears.
template <class Heard, class Subscriber>
void call_with(Subscriber& subscriber, event const& one)
{
    if constexpr (std::same_as<Heard, event>) {
        subscriber(one);
    } else {
        std::visit(
            [&](auto const& alternative) {
                if constexpr (std::derived_from<std::remove_cvref_t<decltype(alternative)>, Heard>)
                    subscriber(alternative);
            },
            one);
    }
}

} // namespace tasker
