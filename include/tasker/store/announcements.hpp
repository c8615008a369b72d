#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// `due <microseconds since 1970> <sender>`, `ask <whom>`, `over <sender>`; workers as canonical UUIDs.
TASKER_INLINE std::string to_text(announcement const& one);

/// What `text` announces; nothing when it is damaged or of a version that says more.
TASKER_INLINE std::optional<announcement> parse_announcement(std::string_view text);

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

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/store/announcements.ipp>
#endif
