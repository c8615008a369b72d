#pragma once

#include <tasker/base/overloaded.hpp>
#include <tasker/base/time.hpp>
#include <tasker/event/events.hpp>
#include <tasker/flow/workflow.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace support {

/// Follows the events of one store's engines, one engine at a time, and says where their order cannot be the truth.
class event_witness {
public:
    explicit event_witness(std::size_t limit) : limit_{limit} {}

    void know(tasker::workflow const& flow, std::size_t limit) { flows_.insert_or_assign(std::string{flow.full_name()}, std::pair{flow, limit}); }

    /// The step is done in the store, told or not.
    void know_done(tasker::task_id task, std::string const& step) { done_.insert({task, step}); }

    /// The engine is gone, and so is what ran in it.
    void forget_running() { running_.clear(); }

    void hear(tasker::event const& one)
    {
        std::visit(tasker::overloaded{[&](tasker::step_started const& e) { started(e); }, [&](tasker::step_completed const& e) { completed(e); },
                                      [&](tasker::step_failed const& e) { failed(e); },
                                      [&](tasker::step_cancelled const& e) { running_.erase({e.task, e.step}); },
                                      [&](tasker::step_resolved_manually const& e) { done_.insert({e.task, e.step}); },
                                      [&](tasker::task_started const& e) { expect(!over_.contains(e.task), e, "started after its end"); },
                                      [&](tasker::task_completed const& e) { task_completed(e); },
                                      [&](tasker::task_failed const& e) { over_.insert(e.task); },
                                      [&](tasker::task_cancelled const& e) { over_.insert(e.task); },
                                      [&](tasker::task_resolved_manually const& e) { over_.insert(e.task); },
                                      [&](tasker::task_retry_requested const& e) { over_.erase(e.task); }, [](auto const&) {}},
                   one);
    }

    std::string const& lies() const noexcept { return lies_; }

private:
    using key = std::pair<tasker::task_id, std::string>;

    void expect(bool truth, tasker::task_event const& e, std::string const& what)
    {
        if (!truth)
            lies_ += "at " + tasker::to_text(e.at) + " a task of " + e.workflow + ": " + what + '\n';
    }

    void started(tasker::step_started const& e)
    {
        auto const& [flow, limit] = flows_.at(e.workflow);
        tasker::graph const& shape = flow.shape();
        expect(!over_.contains(e.task), e, e.step + " started after its task's end");
        expect(running_.emplace(key{e.task, e.step}, e.workflow).second, e, e.step + " started while it ran");
        expect(e.attempt >= 1 && e.attempt <= e.max_attempts, e, e.step + " started its attempt " + std::to_string(e.attempt));
        for (tasker::step_no const parent : shape.parents(shape.find(e.step)))
            expect(done_.contains({e.task, shape.step(parent).name}), e, e.step + " started before its parent " + shape.step(parent).name + " was done");
        std::size_t same = 0;
        for (auto const& [which, workflow] : running_)
            same += workflow == e.workflow ? 1U : 0U;
        expect(running_.size() <= limit_, e, "more steps run than the engine may");
        expect(limit == 0 || same <= limit, e, "more steps run than the workflow may");
    }

    void completed(tasker::step_completed const& e)
    {
        expect(running_.erase({e.task, e.step}) == 1, e, e.step + " completed without running");
        expect(done_.insert({e.task, e.step}).second, e, e.step + " was done twice");
    }

    void failed(tasker::step_failed const& e)
    {
        bool const ran = running_.erase({e.task, e.step}) == 1;
        expect(ran || e.kind == tasker::failure_kind::abandoned, e, e.step + " failed without running");
    }

    void task_completed(tasker::task_completed const& e)
    {
        expect(over_.insert(e.task).second, e, "completed after its end");
        for (auto const& step : flows_.at(e.workflow).first.shape().steps())
            expect(done_.contains({e.task, step.name}), e, "completed without its step " + step.name);
    }

    std::size_t limit_;
    std::map<std::string, std::pair<tasker::workflow, std::size_t>> flows_;
    std::map<key, std::string> running_; ///< and the workflow
    std::set<key> done_;
    std::set<tasker::task_id> over_;
    std::string lies_;
};

} // namespace support
