#pragma once

namespace tasker {

/// A visitor made of lambdas, for `std::visit`.
template <class... Visitors>
struct overloaded : Visitors... {
    using Visitors::operator()...;
};
/// Deduces the visitors' types.
template <class... Visitors>
overloaded(Visitors...) -> overloaded<Visitors...>; // clang before 17 deduces no aggregates

} // namespace tasker
