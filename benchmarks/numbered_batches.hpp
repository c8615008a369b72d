#pragma once

#include <tasker/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace benchmark {

/// Batches as one who writes nothing else would prepare them: each line of the audit trail has its number already.
class numbered_batches {
public:
    explicit numbered_batches(std::vector<tasker::commit_batch> batches) : batches_{std::move(batches)}
    {
        std::unordered_map<tasker::task_id, std::int64_t> last;
        for (tasker::commit_batch const& batch : batches_) {
            first_.push_back(numbers_.size());
            for (tasker::transition_record const& line : batch.transitions)
                numbers_.push_back(++last[line.task]);
        }
    }

    std::vector<tasker::commit_batch> const& batches() const { return batches_; }
    /// Of the lines of the batch at this place, in order.
    std::int64_t const* numbers_of(std::size_t batch) const { return numbers_.data() + first_[batch]; }

private:
    std::vector<tasker::commit_batch> batches_;
    std::vector<std::int64_t> numbers_;
    std::vector<std::size_t> first_;
};

} // namespace benchmark
