#pragma once

#include <tasker/testing/conformance/bench.hpp>

#include <algorithm>
#include <barrier>
#include <future>

namespace tasker::testing::conformance {

/// Runs `work(0)` and `work(1)` on two threads that start together, and returns both results.
template <class Work>
auto race(Work work)
{
    std::barrier start{2};
    auto const run = [&](int which) {
        start.arrive_and_wait();
        return work(which);
    };
    auto other = std::async(std::launch::async, run, 1);
    auto own = std::async(std::launch::async, run, 0);
    auto first = own.get();
    return std::pair{std::move(first), other.get()};
}

inline void concurrent_claims(bench& at)
{
    commit_batch batch = at.batch_of(at.alice);
    for (int no = 0; no < 300; ++no)
        batch.created.push_back(at.draft());
    at.store.commit(batch);
    std::vector const workers{at.alice, at.bob};
    for (worker_id const worker : workers)
        at.store.heartbeat({worker, at.now, at.lease});
    auto const [first, second] = race([&](int which) {
        std::vector<task_id> mine;
        while (true) {
            auto const claimed = at.claim(workers[static_cast<std::size_t>(which)], 7);
            if (claimed.empty())
                return mine;
            for (auto const& task : claimed)
                mine.push_back(task.snapshot.task.id);
        }
    });
    std::vector<task_id> all = first;
    all.insert(all.end(), second.begin(), second.end());
    std::sort(all.begin(), all.end());
    expect(all.size() == 300, "two claimers together must get every task");
    expect(std::adjacent_find(all.begin(), all.end()) == all.end(), "no task may be given out twice [B16][F25]");
    for (task_id const id : first)
        expect(at.load(id).task.worker == at.alice, "a claimed task belongs to its claimer");
}

inline void concurrent_claims_of_one(bench& at)
{
    std::vector const workers{at.alice, at.bob};
    for (worker_id const worker : workers)
        at.store.heartbeat({worker, at.now, at.lease});
    for (int round = 0; round < 30; ++round) {
        task_record const task = at.create();
        auto const [first, second] =
            race([&](int which) { return at.claim_named(workers[static_cast<std::size_t>(which)], task.id).size(); });
        expect(first + second == 1, "of two that want the same task exactly one gets it [B16]");
    }
}

inline void concurrent_creations(bench& at)
{
    for (int round = 0; round < 30; ++round) {
        std::vector<task_record> tasks{at.draft(), at.draft()};
        tasks[1].identity_key = tasks[0].identity_key;
        auto const [first, second] = race([&](int which) {
            commit_batch batch = at.batch_of(which == 0 ? at.alice : at.bob);
            batch.created = {tasks[static_cast<std::size_t>(which)]};
            return at.store.commit(batch).duplicates;
        });
        expect(first.size() + second.size() == 1, "of two equal submissions exactly one is a duplicate [A11]");
        bool const first_won = first.empty();
        duplicate const refused = first_won ? second.at(0) : first.at(0);
        expect(refused.existing == tasks[first_won ? 0 : 1].id && refused.refused == tasks[first_won ? 1 : 0].id,
               "the loser of two equal submissions is told the winner's id [A11]");
        expect(!at.store.load(refused.refused), "the loser's task is not stored [A11]");
    }
}

inline void concurrent_requests(bench& at)
{
    for (int round = 0; round < 30; ++round) {
        task_record const task = at.create();
        std::vector const asked{command{command_kind::cancel, "", {}, "first"}, command{command_kind::retry, "", {}, "second"}};
        auto const [first, second] =
            race([&](int which) { return at.store.request(task.id, asked[static_cast<std::size_t>(which)]); });
        bool const first_won = first == request_answer::stored;
        expect((first_won ? second : first) == request_answer::pending && (first_won || second == request_answer::stored),
               "of two requests at one time exactly one is stored, and the other is told so");
        expect(at.load(task.id).task.request == asked[first_won ? 0 : 1], "the request that was stored is the one in the row");
    }
}

inline void concurrent_readers(bench& at)
{
    task_record const task = at.create_owned(at.alice);
    auto const [written, seen] = race([&](int which) {
        int consistent = 0;
        for (int round = 1; round <= 50; ++round) {
            if (which == 0) {
                commit_batch batch = at.batch_of(at.alice);
                step_record step;
                step.attempts = round;
                batch.steps = {bench::write_of(task, 0, step), bench::write_of(task, 1, step)};
                at.store.commit(batch);
                ++consistent;
            } else {
                auto const snapshot = at.load(task.id);
                consistent += snapshot.steps.empty() ||
                                      (snapshot.steps.size() == 2 &&
                                       snapshot.steps[0].second == snapshot.steps[1].second)
                                  ? 1
                                  : 0;
            }
        }
        return consistent;
    });
    expect(written == 50 && seen == 50, "a reader sees a commit whole or not at all");
}

} // namespace tasker::testing::conformance
