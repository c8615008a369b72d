#pragma once

#include <tasker/store/sql/row_mapping.hpp>
#include <tasker/store/sql/session_pool.hpp>
#include <tasker/store/sql/statements.hpp>
#include <tasker/store/store.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

/// Messages to tasks, row by row.
namespace tasker::sql {

/// Stores a message within a transaction.
inline send_answer send_message(session& with, statements const& texts, message const& told)
{
    auto const key = unless_default(std::string_view{told.key});
    query& count = with.get(texts.count_message);
    count.run_once(told.task, key);
    if (count.changed_rows() == 1) {
        with.get(texts.insert_message).run_once(told.name, told.body, key, told.task);
        return send_answer::stored;
    }
    if (!with.get(texts.find_owner).run_once(told.task))
        return send_answer::unknown;
    return with.get(texts.is_closed_task).run_once(told.task) ? send_answer::over : send_answer::known;
}

/// The messages of a task that were not taken, from the one after `after` on, in order.
inline std::vector<message> messages_after(session& with, statements const& texts, task_id task, std::int64_t after)
{
    std::vector<message> found;
    query& row = with.get(texts.messages_after);
    for (bool more = row.run(task, after); more; more = row.next())
        found.push_back(read_message(row, task));
    return found;
}

} // namespace tasker::sql
