#pragma once

#include <memory>
#include <utility>

namespace tasker {

/// A value that is seldom there: as `std::optional`, but the value is kept apart, and without one it is a pointer wide.
/// Copies are deep. Thread safety: as a plain value.
template <class T>
class boxed {
public:
    /// Without a value.
    boxed() = default;
    /// With that value.
    boxed(T value) : value_{std::make_unique<T>(std::move(value))} {}
    /// With a copy of what `other` has.
    boxed(boxed const& other) : value_{other.value_ ? std::make_unique<T>(*other.value_) : nullptr} {}
    boxed(boxed&&) noexcept = default;
    /// Takes over what `other` has.
    boxed& operator=(boxed other) noexcept
    {
        value_.swap(other.value_);
        return *this;
    }

    /// Whether there is a value.
    bool has_value() const noexcept { return value_ != nullptr; }
    /// The same.
    explicit operator bool() const noexcept { return has_value(); }
    ///@{
    /// The value. Preconditions: there is one.
    T& operator*() noexcept { return *value_; }
    T const& operator*() const noexcept { return *value_; }
    T* operator->() noexcept { return value_.get(); }
    T const* operator->() const noexcept { return value_.get(); }
    ///@}
    /// Puts a new value in the place of what there is.
    T& emplace() { return *(value_ = std::make_unique<T>()); }
    /// Without a value from now on.
    void reset() noexcept { value_.reset(); }

    /// Compares the values; nothing equals nothing.
    friend bool operator==(boxed const& a, boxed const& b) { return a.has_value() == b.has_value() && (!a || *a == *b); }
    /// Whether there is a value, and that one.
    friend bool operator==(boxed const& a, T const& b) { return a.has_value() && *a == b; }

private:
    std::unique_ptr<T> value_;
};

} // namespace tasker
