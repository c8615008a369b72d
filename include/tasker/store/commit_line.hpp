#pragma once

#include <tasker/store/store.hpp>

#include <concepts>
#include <memory>

namespace tasker {

/// What a commit line says of the batch that it was given.
struct line_answer {
    /// How much is known.
    enum class kind {
        awaited, ///< the answer has not arrived
        known,   ///< the batch was committed, with this result
        unknown, ///< only `commit` of the same batch can tell what became of it
    };
    kind what = kind::awaited; ///< how much is known
    commit_result result{};    ///< when known
};

/// A connection of its own on which small batches are committed, one at a time, by whoever watches its socket: nobody has to
/// wait in a thread, nor to be woken there. Thread safety: none; may go from one thread to another.
class commit_line {
public:
    commit_line() = default;
    commit_line(commit_line const&) = delete;
    commit_line& operator=(commit_line const&) = delete;
    virtual ~commit_line() = default;

    /// Readable when there may be news. Stays this object's, which may close it when the connection breaks.
    virtual int descriptor() const = 0;
    /// Whether it can take a batch, now or later; otherwise only a new line can.
    virtual bool is_open() const = 0;
    /// Sends a batch; false when this one is for `commit`, or the line is not open any more. Does not block.
    /// Precondition: no answer is awaited.
    virtual bool send(commit_batch const& batch) = 0;
    /// What is known of the batch that was sent. Does not block. An answer is given once.
    virtual line_answer read() = 0;
};

/// A store that commits small batches without blocking, too: `open_line()` connects, which blocks, and throws
/// `error{store_unavailable}` when it cannot; it may return nothing, and is then asked again much later. A batch whose answer a line did not get is committed
/// again, under its number, by `commit`.
template <class Store>
concept lined_store = requires(Store& store) {
    { store.open_line() } -> std::same_as<std::unique_ptr<commit_line>>;
};

} // namespace tasker
