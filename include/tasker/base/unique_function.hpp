#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace tasker {

template <class Signature>
class unique_function;

/// A move-only `std::function`, for callbacks that own handlers (C++23 has `std::move_only_function`).
template <class Result, class... Arguments>
class unique_function<Result(Arguments...)> {
public:
    unique_function() = default;

    /// Takes any callable that can be moved.
    template <class Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, unique_function> &&
                 std::is_invocable_r_v<Result, Callable&, Arguments...>)
    unique_function(Callable&& callable)
        : target_{std::make_unique<holder<std::remove_cvref_t<Callable>>>(std::forward<Callable>(callable))}
    {
    }

    /// Whether there is something to call.
    explicit operator bool() const noexcept { return target_ != nullptr; }
    /// Calls it. Preconditions: there is something to call.
    Result operator()(Arguments... arguments) { return target_->call(std::forward<Arguments>(arguments)...); }

private:
    struct target {
        virtual ~target() = default;
        virtual Result call(Arguments...) = 0;
    };

    template <class Callable>
    struct holder final : target {
        template <class Source>
        explicit holder(Source&& source) : callable{std::forward<Source>(source)}
        {
        }
        Result call(Arguments... arguments) override
        {
            if constexpr (std::is_void_v<Result>)
                static_cast<void>(callable(std::forward<Arguments>(arguments)...));
            else
                return callable(std::forward<Arguments>(arguments)...);
        }
        Callable callable;
    };

    std::unique_ptr<target> target_;
};

} // namespace tasker
