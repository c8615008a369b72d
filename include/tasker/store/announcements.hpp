#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tasker {

/// What one process tells the others that share its store. Only a hint to look: it may come late, twice or not at all.
struct announcement {
    /// What it is about.
    enum class kind {
        work_due,     ///< an unowned task is due at `due`
        command_left, ///< a command waits in the row of a task that `worker` owns
        tasks_over,   ///< tasks that others may wait for have finished
    };
    kind what = kind::work_due; ///< what it is about
    time_point due{};           ///< of work_due alone
    worker_id worker{};         ///< who says so; of command_left: whom it is for

    friend bool operator==(announcement const&, announcement const&) = default;
};

namespace detail {

inline constexpr std::string_view due_word = "due ";
inline constexpr std::string_view ask_word = "ask ";
inline constexpr std::string_view over_word = "over ";

inline std::optional<announcement> parse_work_due(std::string_view text)
{
    std::int64_t microseconds = 0;
    char const* const end = text.data() + text.size();
    auto const [rest, problem] = std::from_chars(text.data(), end, microseconds);
    if (problem != std::errc{} || rest == end || *rest != ' ')
        return std::nullopt;
    auto const sender = parse_id<worker_id>({rest + 1, end});
    if (!sender)
        return std::nullopt;
    return announcement{announcement::kind::work_due, time_point{duration{microseconds}}, *sender};
}

} // namespace detail

/// `due <microseconds since 1970> <sender>`, `ask <whom>`, `over <sender>`; workers as canonical UUIDs.
inline std::string to_text(announcement const& one)
{
    switch (one.what) {
    case announcement::kind::work_due:
        return std::string{detail::due_word} + std::to_string(one.due.time_since_epoch().count()) + ' ' + to_text(one.worker);
    case announcement::kind::command_left: return std::string{detail::ask_word} + to_text(one.worker);
    case announcement::kind::tasks_over: return std::string{detail::over_word} + to_text(one.worker);
    }
    return {};
}

/// What `text` announces; nothing when it is damaged or of a version that says more.
inline std::optional<announcement> parse_announcement(std::string_view text)
{
    if (text.starts_with(detail::due_word))
        return detail::parse_work_due(text.substr(detail::due_word.size()));
    bool const is_over = text.starts_with(detail::over_word);
    if (!is_over && !text.starts_with(detail::ask_word))
        return std::nullopt;
    auto const worker = parse_id<worker_id>(text.substr(is_over ? detail::over_word.size() : detail::ask_word.size()));
    if (!worker)
        return std::nullopt;
    return announcement{is_over ? announcement::kind::tasks_over : announcement::kind::command_left, {}, *worker};
}

/// A connection on which announcements arrive. Thread safety: none; may go from one thread to another.
class announcement_source {
public:
    announcement_source() = default;
    announcement_source(announcement_source const&) = delete;
    announcement_source& operator=(announcement_source const&) = delete;
    virtual ~announcement_source() = default;

    /// Readable when there may be something to read. Stays this object's, which may close it when the connection breaks.
    virtual int descriptor() const = 0;

    /// What has arrived, in order; does not block.
    /// Throws `error{store_unavailable}` when the connection is gone; then only a new one hears anything.
    virtual std::vector<announcement> read() = 0;
};

/// A store through which processes hear one another: `listen()` connects, which blocks, and throws
/// `error{store_unavailable}` when it cannot. Whatever is announced once it has returned arrives; it may return nothing.
template <class Store>
concept announcing_store = requires(Store& store) {
    { store.listen() } -> std::same_as<std::unique_ptr<announcement_source>>;
};

} // namespace tasker
