#pragma once

#include <tasker/base/error.hpp>
#include <tasker/base/ids.hpp>
#include <tasker/base/unique_function.hpp>
#include <tasker/base/utf8.hpp>
#include <tasker/flow/step_body.hpp>
#include <tasker/model/records.hpp>
#include <tasker/runtime/task_run.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

/// A checkpoint of a live coroutine, beside its record.
struct checkpoint {
    std::string name;             ///< with its kind and occurrence
    step_body body;               ///< until it is over
    unique_function<void()> then; ///< tells the coroutine
    boost::asio::cancellation_slot slot;
    std::optional<message> mail;  ///< sent with its record
    bool is_recorded = false;     ///< by an earlier run of the coroutine
    bool is_owed = false;         ///< of these, one that the coroutine must come to again
    bool is_unwritten = false;    ///< no row has what it is now
    bool is_stopped = false;
    std::optional<step_no> stopped_by{}; ///< the failure that the coroutine was told of last, when it stopped this one
    std::string takes;            ///< the name of the messages that complete it
};

/// Finds the checkpoints of a task by what its coroutine calls them: by name, and how often it came to that name before.
template <class Lazy>
class basic_checkpoint_book {
public:
    explicit basic_checkpoint_book(task_run& of) : task_{of}
    {
        for (step_no no = 0; no < task_.plan.shape().size(); ++no) {
            step_record const& record = task_.plan.record(no);
            checkpoint& one = all_.emplace_back();
            one.name = record.name;
            one.is_recorded = !record.name.empty();
            one.is_owed = one.is_recorded && !record.name.starts_with('~') && (record.state != step_state::pending || record.next_retry_at);
            owed_ += one.is_owed ? 1U : 0U;
            if (one.is_recorded)
                by_name_.emplace(one.name, no);
            else
                holes_.push_back(no);
        }
        std::reverse(holes_.begin(), holes_.end());
    }

    checkpoint& operator[](step_no no) { return all_[no]; }
    checkpoint const& operator[](step_no no) const { return all_[no]; }
    std::deque<checkpoint>& all() noexcept { return all_; }

    /// The recorded checkpoints that are over, in the order in which they ended.
    std::deque<step_no> ended() const
    {
        std::deque<step_no> numbers;
        for (step_no no = 0; no < all_.size(); ++no)
            if (task_.plan.record(no).order > 0)
                numbers.push_back(no);
        std::sort(numbers.begin(), numbers.end(), [&](step_no a, step_no b) { return task_.plan.record(a).order < task_.plan.record(b).order; });
        return numbers;
    }

    /// What a fork was told of the children that its original had started.
    std::vector<message> ends_of_children() const
    {
        std::vector<message> ends;
        for (step_no no = 0; no < all_.size(); ++no)
            if (all_[no].name.starts_with(detail::end_kind))
                ends.push_back({task_.record.id, 0, all_[no].name, task_.plan.record(no).result, {}});
        return ends;
    }

    /// The checkpoint that the coroutine comes to now.
    step_no come_to(std::string_view kind, std::string_view name)
    {
        std::string base{kind};
        base += name;
        std::uint32_t const occurrence = ++asked_[base];
        auto const found = occurrence == 1 ? by_name_.find(base) : by_name_.find(nth(base, occurrence));
        if (found == by_name_.end()) {
            check_name(kind, name);
            step_no const no = add(nth(base, occurrence));
            newest_ = newest_.value_or(no);
            return no;
        }
        owed_ -= std::exchange(all_[found->second].is_owed, false) ? 1U : 0U;
        return found->second;
    }

    /// A new checkpoint.
    step_no add(std::string name)
    {
        step_no no = static_cast<step_no>(all_.size());
        if (holes_.empty()) {
            all_.emplace_back();
            task_.grown.append({{}, {}});
            task_.plan.append();
        } else {
            no = holes_.back();
            holes_.pop_back();
        }
        all_[no].name = std::move(name);
        task_.grown.set_name(no, all_[no].name);
        task_.plan.revise(no, [&](step_record& row) { row.name = all_[no].name; });
        by_name_.emplace(all_[no].name, no);
        return no;
    }

    /// Whether `holds` of any checkpoint whose name begins like this.
    template <class Holds>
    bool any_named(std::string_view beginning, Holds holds) const
    {
        for (step_no no = 0; no < all_.size(); ++no)
            if (all_[no].name.starts_with(beginning) && holds(no))
                return true;
        return false;
    }

    /// The checkpoint recorded under this name; nothing when there is none.
    std::optional<step_no> find(std::string_view recorded) const
    {
        auto const at = by_name_.find(recorded);
        return at == by_name_.end() ? std::nullopt : std::optional{at->second};
    }

    bool is_recorded(std::string_view kind, std::string_view name) const
    {
        std::string base{kind};
        base += name;
        auto const at = asked_.find(base);
        auto const found = by_name_.find(nth(base, at == asked_.end() ? 1 : at->second + 1));
        return found != by_name_.end() && all_[found->second].is_recorded;
    }

    std::optional<payload> latest(std::string_view kind, std::string_view name) const
    {
        std::string base{kind};
        base += name;
        auto const at = asked_.find(base);
        if (at == asked_.end())
            return std::nullopt;
        return task_.plan.record(by_name_.at(nth(base, at->second))).result;
    }

    /// Whether the coroutine waits for any of them.
    bool is_awaited() const
    {
        return std::any_of(all_.begin(), all_.end(), [](checkpoint const& one) { return static_cast<bool>(one.then); });
    }

    /// Whether a record is left that the coroutine must come to, and did not.
    bool owes() const noexcept { return owed_ > 0; }
    /// The name of the first of them. Preconditions: there is one.
    std::string const& first_owed() const
    {
        return std::find_if(all_.begin(), all_.end(), [](checkpoint const& one) { return one.is_owed; })->name;
    }

    /// Why the coroutine cannot go on where `recorded` was recorded; it has `otherwise` when it asked for nothing new.
    std::string difference(std::string const& recorded, std::string const& otherwise) const
    {
        return "the code of the workflow has changed: where this task recorded \"" + recorded + "\", it now " +
               (newest_ ? "asks for \"" + all_[*newest_].name + '"' : otherwise) +
               "; bring the old code back, or have the new one ask wf.version, then retry the task";
    }

private:
    static constexpr std::array<std::string_view, 12> kinds{"join:", "cancel:", "sleep:", "receive:", "send:", "now:", "random:", "uuid:", "value:", "version:", "child:", "undo:"};

    static std::string nth(std::string const& base, std::uint32_t occurrence)
    {
        return occurrence == 1 ? base : base + '#' + std::to_string(occurrence);
    }

    static void check_name(std::string_view kind, std::string_view name)
    {
        auto const is_bad = [](char c) { return c == '#' || c == '\x7f' || (c >= '\0' && c < ' '); };
        auto const is_reserved = [&](std::string_view one) { return name.starts_with(one); };
        if (name.empty() || name.size() > 100 || std::any_of(name.begin(), name.end(), is_bad) || !detail::is_utf8(name))
            throw error{errc::invalid_definition, "a checkpoint's name is UTF-8 of 1 to 100 bytes, none of them '#' or a control character, got \"" +
                                                      std::string{name} + '"'};
        if (kind.empty() && (name == "return" || std::any_of(kinds.begin(), kinds.end(), is_reserved)))
            throw error{errc::invalid_definition, "a step cannot be named \"" + std::string{name} + "\", which is how other checkpoints are recorded"};
    }

    task_run& task_;
    std::deque<checkpoint> all_; ///< by step; names and bodies stay where they are
    std::unordered_map<std::string_view, step_no> by_name_;
    std::unordered_map<std::string, std::uint32_t> asked_; ///< how often, by name
    std::vector<step_no> holes_;                           ///< numbers without a record: never started
    std::size_t owed_ = 0;
    std::optional<step_no> newest_;
};
using checkpoint_book = basic_checkpoint_book<void>;

} // namespace tasker
