#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// How a span's work ended; `unset` where OpenTelemetry wants no verdict.
enum class span_status { ok, error, unset };

/// One piece of work on a time line, as OpenTelemetry has it.
struct span {
    std::string trace_id;                                        ///< 32 hexadecimal digits
    std::string span_id;                                         ///< 16 hexadecimal digits
    std::string parent;                                          ///< span_id of the parent, or empty
    std::string name;                                            ///< the workflow's full name, or the step's
    time_point start{};                                          ///< UTC
    time_point end{};                                            ///< UTC
    span_status status = span_status::unset;                     ///< how the work ended
    std::string status_message;                                  ///< of an error
    std::vector<std::pair<std::string, std::string>> attributes; ///< key and text, in the order of output
};

/// The trace of a task: its id without dashes, the same in every process that works on it.
TASKER_INLINE std::string trace_id_of(task_id task);

/// The span of a task, or of an attempt of one of its steps: computed from what names it, so that an attempt's parent
/// is known in every process without asking. The start tells first attempts apart when a step is reset.
TASKER_INLINE std::string span_id_of(task_id task, std::string_view step = {}, int attempt = 0, time_point start = {});

/// The span as one line of OTLP-like JSON, without a line feed.
TASKER_INLINE std::string to_json(span const& one);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/event/span.ipp>
#endif
