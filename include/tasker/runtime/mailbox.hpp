#pragma once

#include <tasker/model/records.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker {

/// The messages to a coroutine that it has not taken, and its checkpoints that wait for one, both in order. Belongs to the strand.
template <class Lazy>
class basic_mailbox {
public:
    /// With the messages that were there.
    explicit basic_mailbox(std::vector<message> mail) { put(std::move(mail)); }

    /// More messages, later than those that are there.
    void put(std::vector<message> mail) { std::move(mail.begin(), mail.end(), std::back_inserter(mail_)); }
    /// The checkpoint waits for a message of that name, which must outlive the mailbox.
    void expect(step_no no, std::string_view name) { waiting_.emplace_back(no, name); }

    /// Calls `take(step, message)` for each checkpoint of which `still_waits(step)` and there is a message for.
    template <class StillWaits, class Take>
    void hand_out(StillWaits still_waits, Take take)
    {
        std::erase_if(waiting_, [&](auto const& one) {
            auto const& [no, name] = one;
            if (!still_waits(no))
                return true;
            auto const found = std::find_if(mail_.begin(), mail_.end(), [&, wanted = name](message const& each) { return each.name == wanted; });
            if (found == mail_.end())
                return false;
            take(no, *found);
            mail_.erase(found);
            return true;
        });
    }

private:
    std::deque<message> mail_;
    std::vector<std::pair<step_no, std::string_view>> waiting_;
};
using mailbox = basic_mailbox<void>;

} // namespace tasker
