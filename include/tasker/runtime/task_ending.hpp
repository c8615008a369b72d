#pragma once

#include <tasker/base/config.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/model/codec.hpp>
#include <tasker/model/records.hpp>
#include <tasker/plan/task_plan.hpp>
#include <tasker/runtime/task_outcome.hpp>

#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace tasker {

/// The records of a task's steps, wherever they are kept. Lifetime: what it was made of must outlive it.
class step_records {
public:
    /// Of records in step order.
    template <class Records>
        requires std::convertible_to<Records const&, std::span<step_record const>>
    step_records(Records const& records) : of_{std::span<step_record const>{records}.data()}, at_{[](void const* of, step_no no) {
          return static_cast<step_record const*>(of) + no;
      }}
    {
    }
    /// Of a task in memory.
    step_records(task_plan const& plan) : of_{&plan}, at_{[](void const* of, step_no no) { return &static_cast<task_plan const*>(of)->record(no); }} {}

    /// That of step `no`. Preconditions: there is such a step.
    step_record const& operator[](step_no no) const { return *at_(of_, no); }

private:
    void const* of_;
    step_record const* (*at_)(void const*, step_no);
};

/// The workflow's result from its steps': that of the step it returns, or an object of every sink's by name.
TASKER_INLINE payload result_of(workflow const& flow, step_records records);

/// The reason recorded for a task that ended because nothing of it could progress any more.
inline constexpr std::string_view steps_in_error_state = "steps_in_error_state";

/// Why a task ended in error: its failed steps with what they said.
TASKER_INLINE std::string failure_text(workflow const& flow, task_record const& task, step_records records);

/// The outcome of a finished task.
TASKER_INLINE task_outcome outcome_of_task(workflow const& flow, task_record const& task, step_records records);

namespace detail {

/// The end of a task as the message to its parent has it.
inline payload as_told_to_parent(task_outcome const& end)
{
    std::string const begun = R"({"state":")" + std::string{name(end.state)} + '"';
    if (end.succeeded())
        return payload{begun + R"(,"result":)" + std::string{end.result.text()} + '}'};
    return payload{begun + R"(,"what":)" + std::string{codec<std::string>::encode(end.what).text()} + '}'};
}

} // namespace detail

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/runtime/task_ending.ipp>
#endif
