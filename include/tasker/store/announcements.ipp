#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/time.hpp>
#include <tasker/store/announcements.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tasker {

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

TASKER_INLINE std::string to_text(announcement const& one)
{
    switch (one.what) {
    case announcement::kind::work_due:
        return std::string{detail::due_word} + std::to_string(one.due.time_since_epoch().count()) + ' ' + to_text(one.worker);
    case announcement::kind::command_left: return std::string{detail::ask_word} + to_text(one.worker);
    case announcement::kind::tasks_over: return std::string{detail::over_word} + to_text(one.worker);
    }
    return {};
}

TASKER_INLINE std::optional<announcement> parse_announcement(std::string_view text)
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

} // namespace tasker
