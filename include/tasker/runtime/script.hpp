#pragma once

#include <tasker/flow/workflow_context.hpp>
#include <tasker/runtime/checkpoint_book.hpp>
#include <tasker/runtime/checkpoint_moves.hpp>
#include <tasker/runtime/engine_parts.hpp>
#include <tasker/runtime/instant_gate.hpp>
#include <tasker/runtime/mailbox.hpp>
#include <tasker/runtime/script_run.hpp>
#include <tasker/runtime/start_child.hpp>
#include <tasker/runtime/task_moves.hpp>
#include <tasker/runtime/task_script.hpp>
#include <tasker/runtime/telling_queue.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace tasker {

/// Runs the coroutine of a task against its records. First it *replays*: checkpoints that are over are told in the order in
/// which they ended, each after all that the one before set off has come to rest; so whatever waits side by side sees the same
/// order as the first time. Nothing new starts and nothing is written until every record was asked for; a record that is not
/// asked for in its turn means that the code has changed. Belongs to the strand. Destroying it destroys the coroutine.
template <class Lazy>
class basic_script final : public task_script, public workflow_services {
public:
    basic_script(engine_parts& parts, task_run& of)
        : parts_{parts}, task_{of}, checkpoints_{of}, to_tell_{of.plan, checkpoints_.ended()}
    {
        mail_.put(checkpoints_.ends_of_children());
    }

    ~basic_script() override
    {
        run_.loop().within([this] {
            for (checkpoint& one : checkpoints_.all())
                one.then = {}; // what waits belongs to the handler that it waits for
        });
    }

    // What the runtime asks for.

    void advance() override
    {
        if (failed_)
            return;
        run_.loop().within([this] {
            if (!std::exchange(is_started_, true))
                run_.start(task_.workflow->flow.coroutine(), task_.record.input);
            do
                run_.loop().run();
            while (tell_next());
            if (is_replaying_ && to_tell_.empty())
                go_live();
        });
        if (is_replaying_ || failed_ || !run_.is_over())
            return;
        if (run_.thrown()) {
            failed_ = cancelled_ ? *cancelled_ : *run_.thrown();
            if (run_.has_undone())
                record_instant(checkpoints_.add(std::string{undone_name}), {});
        } else if (run_.returned() && !std::exchange(is_result_written_, true))
            record_instant(checkpoints_.add("return"), *run_.returned());
    }

    script_progress progress() const override
    {
        if (failed_)
            return cancelled_ && run_.thrown() ? script_progress::cancelled : script_progress::failed;
        if (is_result_written_)
            return script_progress::returned;
        if (is_replaying_ || gate_.is_holding() || !to_tell_.empty() || !run_.loop().empty())
            return script_progress::busy;
        return run_.is_over() && run_.renewed() ? script_progress::renewed : script_progress::waits;
    }
    std::string const& failure() const override { return *failed_; }
    payload const& renewed_input() const override { return *run_.renewed(); }
    std::vector<task_id> children() const override { return children_; }
    bool is_starting() const override
    {
        return checkpoints_.any_named(detail::child_kind,
                                      [this](step_no no) { return detail::is_being_started(task_.plan.record(no)) || to_tell_.contains(no); });
    }

    bool undo(std::string const& reason) override
    {
        if (!run_.has_to_undo() || run_.is_over() || is_replaying_)
            return false;
        if (!std::exchange(is_cancelling_, true)) {
            step_no const no = checkpoints_.add(std::string{cancelled_name});
            time_point const at = parts_.now();
            start_task(parts_, task_, parts_.now());
            end_checkpoint(parts_, task_, no, [&](step_record& row) { complete_at_once(row, codec<std::string>::encode(reason), at); });
            trace_instant(parts_, task_, no, at);
        }
        return true;
    }

    step_body const& body(step_no no) const override { return checkpoints_[no].body; }
    std::string_view name(step_no no) const override { return checkpoints_[no].name; }

    void ended(step_no no) override
    {
        to_tell_.push(no);
        if (is_volatile(task_, no) && task_.plan.record(no).order > 0)
            gate_.drawn(no); // what comes of it: after a crash it would be done again, and end otherwise
    }

    void take_mail(std::vector<message> mail) override
    {
        mail_.put(std::move(mail));
        if (!is_replaying_)
            hand_out_mail();
    }

    // What the coroutine asks for.

    task_id task() const override { return task_.record.id; }
    time_point clock_now() const override { return parts_.now(); }
    double draw() override { return parts_.draw(); }
    std::string draw_id() override { return to_text(parts_.ids.next<task_id>(parts_.now())); }

    step_no ask(checkpoint_request asked) override
    {
        step_no const no = come_to(asked.kind, asked.name);
        checkpoint& one = checkpoints_[no];
        one.body = std::move(asked.body);
        one.takes = std::move(asked.mail);
        if (auto const problem = problem_of(asked.options))
            throw error{errc::invalid_options, "step \"" + one.name + "\": " + *problem};
        task_.grown.set_options(no, asked.options);
        step_record const& record = task_.plan.record(no);
        if (asked.due && record.state == step_state::pending && !record.next_retry_at) {
            time_point const due = parts_.now() + *asked.due;
            task_.plan.revise(no, [&](step_record& row) { row.next_retry_at = due; });
            one.is_unwritten = true;
        }
        if (!is_replaying_) {
            begin(no);
            expect_mail(no);
            hand_out_mail();
        } else if (record.order == 0)
            deferred_.push_back(no);
        return no;
    }

    void did_not_end(step_no no) override { to_tell_.withdraw(no); }

    bool is_told(step_no no) override
    {
        if (to_tell_.next() != no || !run_.loop().empty())
            return false;
        take_told(no);
        checkpoints_[no].body = {};
        return true;
    }

    void tell(step_no no, boost::asio::cancellation_slot slot, unique_function<void()> then) override
    {
        checkpoint& one = checkpoints_[no];
        one.then = std::move(then);
        one.slot = slot;
        if (slot.is_connected())
            slot.assign([this, no](boost::asio::cancellation_type) { stop(no); });
    }

    void stop(step_no no) override
    {
        checkpoint& one = checkpoints_[no];
        if (last_told_) // a failure, or what another group of branches was stopped by
            one.stopped_by = task_.plan.record(*last_told_).state == step_state::error ? last_told_ : checkpoints_[*last_told_].stopped_by;
        if (task_.plan.record(no).order > 0 || std::exchange(one.is_stopped, true) || is_replaying_)
            return;
        stop_checkpoint(parts_, task_, no);
    }

    step_record const& record(step_no no) const override { return task_.plan.record(no); }
    std::string cause_of_stop(std::string_view stopped) const override
    {
        auto const no = checkpoints_.find(stopped);
        return no && checkpoints_[*no].stopped_by ? detail::failure_of(task_.plan.record(*checkpoints_[*no].stopped_by)) : std::string{};
    }

    payload instant(std::string_view kind, std::string name, maker make) override
    {
        step_no const no = come_to(kind, name);
        if (task_.plan.record(no).state == step_state::complete)
            return task_.plan.record(no).result;
        payload made = make();
        record_instant(no, made);
        return made;
    }

    bool is_behind() const override { return checkpoints_.owes(); }
    bool is_recorded(std::string_view kind, std::string_view name) const override { return checkpoints_.is_recorded(kind, name); }
    std::optional<payload> latest(std::string_view kind, std::string_view name) const override { return checkpoints_.latest(kind, name); }

    void send(task_id to, std::string name, payload body) override { send("send:", name, {to, 0, name, std::move(body), {}}); }

    step_body starting(child_request asked) override
    {
        return awaitable_body{[this, asked = std::move(asked), anew = generation()](step_context& context, step_arguments) {
            return detail::start_child(parts_, context, asked, context.idempotency_key() + '/' + anew);
        }};
    }
    void attach(task_id child) override { children_.push_back(child); }
    void detach(task_id child) override { std::erase(children_, child); }
    void cancel(task_id child, std::string name) override { send("cancel:", name, {child, 0, std::string{detail::cancel_order}, {}, {}}); }
    void compensate(checkpoint_request undo) override { run_.compensate(std::move(undo)); }
    void renew(payload input) override { run_.renew(std::move(input)); }

private:
    static constexpr std::string_view cancelled_name = "~cancelled";

    /// Differs each time that the task starts anew, so that what it sends and starts then is not taken for what it did before.
    std::string const& generation()
    {
        if (!generation_)
            generation_ = codec<std::string>::decode(instant("uuid:", "~generation", [this] { return codec<std::string>::encode(draw_id()); }));
        return *generation_;
    }

    void send(std::string_view kind, std::string const& name, message what)
    {
        std::string const& anew = generation();
        step_no const no = come_to(kind, name);
        if (task_.plan.record(no).state == step_state::complete)
            return;
        what.key = to_text(task()) + "/" + checkpoints_[no].name + "/" + anew;
        checkpoints_[no].mail = std::move(what);
        record_instant(no, {});
    }

    step_no come_to(std::string_view kind, std::string_view name)
    {
        if (!run_.loop().is_inside())
            throw permanent_error{"checkpoint \"" + std::string{name} + "\" is asked for by a step's body; only the workflow's coroutine may, and hands "
                                  "its steps what they need"};
        parts_.time_passed(); // the coroutine may have taken long to come here
        return checkpoints_.come_to(kind, name);
    }

    void take_told(step_no no)
    {
        to_tell_.pop();
        last_told_ = no;
    }

    /// Tells the coroutine of the next checkpoint that is over; false when there is none.
    bool tell_next()
    {
        auto const next = to_tell_.next();
        if (!next)
            return false;
        step_no const no = *next;
        checkpoint& one = checkpoints_[no];
        if (one.name == cancelled_name) {
            take_told(no);
            is_cancelling_ = true;
            cancelled_ = codec<std::string>::decode(task_.plan.record(no).result);
            run_.cancel();
            return true;
        }
        if (is_replaying_ && !one.then) {
            diverge(one.name);
            return false;
        }
        take_told(no);
        if (auto const then = std::make_unique<unique_function<void()>>(std::exchange(one.then, {})); *then) {
            one.body = {};
            if (one.slot.is_connected())
                one.slot.clear();
            (*then)();
        }
        return true;
    }

    /// Everything recorded was told: what is new begins, unless a record is left that the coroutine has not come to.
    void go_live()
    {
        if (failed_)
            return;
        if (checkpoints_.owes())
            return diverge(checkpoints_.first_owed());
        is_replaying_ = false;
        std::vector<std::tuple<std::optional<time_point>, std::size_t, step_no>> next; // what was due first comes first
        for (step_no const no : std::exchange(deferred_, {})) {
            next.emplace_back(task_.plan.record(no).next_retry_at, next.size(), no);
            expect_mail(no); // who began to wait first gets what comes first
        }
        std::sort(next.begin(), next.end());
        for (auto const& [due, at, no] : next)
            begin(no);
        hand_out_mail();
    }

    void diverge(std::string const& recorded)
    {
        if (run_.is_over() || checkpoints_.is_awaited()) // else it awaits an operation of its own, and goes on when that ends
            failed_ = checkpoints_.difference(recorded, run_.is_over() ? run_.end_in_words() : "comes to nothing (what is no checkpoint belongs into a step)");
    }

    /// The coroutine has come to a checkpoint that is not over: from here on it goes its way like any step.
    void begin(step_no no)
    {
        checkpoint& one = checkpoints_[no];
        step_record const& row = task_.plan.record(no);
        if (row.order > 0)
            return;
        if (row.state == step_state::complete) { // an instant, taken while the records were replayed
            write(no);
            return;
        }
        if (std::exchange(one.is_unwritten, false)) {
            start_task(parts_, task_, parts_.now());
            parts_.records.write_step(task_, no);
        }
        if (row.state == step_state::error && !may_retry(row, task_.plan.shape().step(no).options.retry)) {
            end_checkpoint(parts_, task_, no, [](step_record&) {}); // its policy allows less than it did
            return;
        }
        if (one.is_stopped && !is_unsure_start(task_, no))
            stop_checkpoint(parts_, task_, no);
        else if (is_volatile(task_, no))
            begin_volatile(no);
        else
            gate_.pass([this, no] { release(no); });
    }

    void expect_mail(step_no no)
    {
        if (checkpoint const& one = checkpoints_[no]; !one.is_stopped && !one.takes.empty() && task_.plan.record(no).order == 0)
            mail_.expect(no, one.takes);
    }

    void release(step_no no)
    {
        if (task_.plan.record(no).order == 0 && !is_finished(task_.record.state))
            task_.plan.release(no, parts_.now());
        task_.wake();
    }

    /// A step that waits for no commit: its body runs where the coroutine stands when nothing forbids that.
    void begin_volatile(step_no no)
    {
        bool const is_first = task_.plan.record(no).state == step_state::pending;
        if (!is_first || !run_.loop().without([&] { return parts_.start_now(task_, no); }))
            release(no);
    }

    void record_instant(step_no no, payload value)
    {
        draw_instant(parts_, task_, no, std::move(value), last_told_ ? task_.plan.record(*last_told_).order : 0);
        if (is_replaying_)
            deferred_.push_back(no);
        else
            write(no);
    }

    void write(step_no instant)
    {
        write_instant(parts_, task_, instant);
        gate_.drawn(instant);
        if (auto& mail = checkpoints_[instant].mail)
            parts_.records.send(task_, *std::exchange(mail, std::nullopt));
    }

    void hand_out_mail()
    {
        mail_.hand_out([this](step_no no) { return task_.plan.record(no).state == step_state::pending; },
                       [this](step_no no, message const& found) { complete_by_message(parts_, task_, no, found); });
    }

    engine_parts& parts_;
    task_run& task_;
    checkpoint_book checkpoints_;
    telling_queue to_tell_;
    std::optional<step_no> last_told_;
    std::vector<step_no> deferred_; ///< to begin when all records were told
    mailbox mail_{std::exchange(task_.mail, {})};
    instant_gate gate_{parts_.records, task_};
    std::vector<task_id> children_; ///< attached, and not known to have ended
    std::optional<std::string> generation_;
    bool is_started_ = false;
    bool is_replaying_ = true;
    bool is_cancelling_ = false;
    bool is_result_written_ = false;
    std::optional<std::string> cancelled_; ///< why
    std::optional<std::string> failed_;
    script_run run_{parts_.strand, *this, [this] { task_.wake(); }}; ///< goes first: its frames know the rest
};
using script = basic_script<void>;

} // namespace tasker
