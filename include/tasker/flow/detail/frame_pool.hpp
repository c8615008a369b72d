#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define TASKER_RECYCLES_FRAMES 0 // so that the sanitizer sees every use after free
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TASKER_RECYCLES_FRAMES 0
#endif
#endif
#ifndef TASKER_RECYCLES_FRAMES
#define TASKER_RECYCLES_FRAMES 1
#endif

namespace tasker::detail {

/// Recycles coroutine frames of one thread, by size. A frame may be freed on another thread than its own: it then
/// serves that thread.
class frame_pool {
public:
    static void* allocate(std::size_t size)
    {
        std::size_t const slot = slot_of(size);
        if (!TASKER_RECYCLES_FRAMES || slot >= slots)
            return ::operator new(size);
        free_frame*& head = here().free_[slot];
        if (head == nullptr)
            return ::operator new(slot_size(slot));
        --here().cached_[slot];
        return std::exchange(head, head->next);
    }

    static void deallocate(void* frame, std::size_t size) noexcept
    {
        std::size_t const slot = slot_of(size);
        if (!TASKER_RECYCLES_FRAMES || slot >= slots || here().cached_[slot] == most_cached)
            return ::operator delete(frame);
        ++here().cached_[slot];
        here().free_[slot] = new (frame) free_frame{here().free_[slot]};
    }

    frame_pool() = default;
    frame_pool(frame_pool const&) = delete;
    frame_pool& operator=(frame_pool const&) = delete;
    ~frame_pool()
    {
        for (free_frame* head : free_)
            while (head != nullptr)
                ::operator delete(std::exchange(head, head->next));
        free_.fill(nullptr);
        cached_.fill(most_cached); // a frame freed later in this thread's end goes straight back
    }

private:
    struct free_frame {
        free_frame* next;
    };
    static constexpr std::size_t granularity = 64;
    static constexpr std::size_t slots = 32;
    static constexpr std::size_t most_cached = 256;

    static constexpr std::size_t slot_of(std::size_t size) { return (size - 1) / granularity; }
    static constexpr std::size_t slot_size(std::size_t slot) { return (slot + 1) * granularity; }
    static frame_pool& here()
    {
        static thread_local frame_pool pool;
        return pool;
    }

    std::array<free_frame*, slots> free_{};
    std::array<std::size_t, slots> cached_{};
};

/// Gives what is made often, and freed soon, the memory of frames.
template <class T>
struct recycling_allocator {
    using value_type = T;

    recycling_allocator() = default;
    template <class Other>
    recycling_allocator(recycling_allocator<Other> const&) noexcept
    {
    }

    T* allocate(std::size_t count) { return static_cast<T*>(frame_pool::allocate(count * sizeof(T))); }
    void deallocate(T* freed, std::size_t count) noexcept { frame_pool::deallocate(freed, count * sizeof(T)); }

    friend bool operator==(recycling_allocator, recycling_allocator) noexcept { return true; }
};

} // namespace tasker::detail
