#pragma once

#include <tasker/testing/conformance/claim_checks.hpp>
#include <tasker/testing/conformance/commit_checks.hpp>
#include <tasker/testing/conformance/concurrency_checks.hpp>
#include <tasker/testing/conformance/fencing_checks.hpp>
#include <tasker/testing/conformance/lookup_checks.hpp>
#include <tasker/testing/conformance/mail_checks.hpp>
#include <tasker/testing/conformance/presence_checks.hpp>
#include <tasker/testing/conformance/takeover_checks.hpp>

#include <array>

namespace tasker::testing {

/// Every sentence of the store contract, each with the check that throws `conformance_failure` when a store breaks it.
/// Free of any test framework; wrap each in a section of yours, or call `check_conformance`.
inline constexpr std::array conformance_checks{
    conformance_check{"every field of a task comes back as written [B12]", conformance::round_trip_of_a_task},
    conformance_check{"unset and empty fields come back unset and empty", conformance::round_trip_of_unset_fields},
    conformance_check{"every field of a step comes back as written", conformance::round_trip_of_steps},
    conformance_check{"every state, failure and command comes back [B12]", conformance::round_trip_of_enumerations},
    conformance_check{"payloads of 1 MB come back whole", conformance::large_payloads},
    conformance_check{"a task's write sets its own fields alone", conformance::task_writes},
    conformance_check{"a batch may write what it creates", conformance::writes_of_a_creation},
    conformance_check{"a second creation with the same identity key is refused whole [A07]", conformance::duplicates},
    conformance_check{"of twins in one batch the first is stored", conformance::twins_in_one_batch},
    conformance_check{"a creation that is stored already is a duplicate of itself", conformance::repeated_batch},
    conformance_check{"history is complete and in order [B11][C16]", conformance::history_of_a_task},
    conformance_check{"a batch of thousands is taken", conformance::large_batches},
    conformance_check{"an invalid batch is refused before anything is written [B15]", conformance::mismatched_epochs},
    conformance_check{"an empty batch changes nothing", conformance::empty_batch},

    conformance_check{"a worker that is not the owner writes nothing", conformance::foreign_worker},
    conformance_check{"nobody writes a task nobody owns", conformance::unowned_task},
    conformance_check{"a write under another epoch is refused", conformance::stale_epoch},
    conformance_check{"a write to an unknown task is refused", conformance::unknown_task},
    conformance_check{"a stale row is refused alone, whatever it is", conformance::each_stale_row_alone},
    conformance_check{"rows under the owner's epoch are written beside refused ones", conformance::epochs_apart},
    conformance_check{"every refused epoch of a task is reported once", conformance::several_lost_epochs},
    conformance_check{"a refused task does not hold up the others of its batch", conformance::others_of_the_batch},
    conformance_check{"a worker that lost its lease writes nothing", conformance::former_owner},
    conformance_check{"an owner's earlier epoch is fenced off too", conformance::own_former_epoch},
    conformance_check{"after a release the former owner writes nothing", conformance::released_task},

    conformance_check{"claims go by priority, then age", conformance::claim_order},
    conformance_check{"a claim changes owner, epoch and wake_at", conformance::claimed_row},
    conformance_check{"a sleeping task is given out at its due time", conformance::claim_by_due_time},
    conformance_check{"a claim goes by its own clock", conformance::claim_by_an_earlier_clock},
    conformance_check{"a live worker keeps its tasks", conformance::live_owner},
    conformance_check{"a dead worker's tasks are given out and counted [F24]", conformance::dead_owner},
    conformance_check{"a dead worker's finished tasks are given out, to end what it left running", conformance::finished_tasks_of_dead_workers},
    conformance_check{"a worker without a heartbeat counts as dead", conformance::owner_without_heartbeat},
    conformance_check{"tasks of dead workers rank with the others", conformance::orphans_rank_with_the_others},
    conformance_check{"a worker gets only what it can run", conformance::workflows_of_the_claimer},
    conformance_check{"finished tasks are given out for a request only [J21]", conformance::finished_tasks},
    conformance_check{"a request wakes a task that no live worker owns", conformance::requested_tasks},
    conformance_check{"a task asked for by name is given out, due or not", conformance::named_task},

    conformance_check{"a batch is recognized by its number", conformance::numbered_batches},
    conformance_check{"a worker learns that tasks were taken from it", conformance::takeovers_are_told},
    conformance_check{"a worker gets back a task whose claim it never heard of", conformance::reclaimed_task},
    conformance_check{"workflows take turns within a priority", conformance::workflows_take_turns},
    conformance_check{"texts of any bytes are written", conformance::texts_of_any_bytes},

    conformance_check{"a heartbeat tells the requests for the worker's tasks", conformance::requests_reach_the_owner},
    conformance_check{"a request stays until it is carried out, whatever is asked later", conformance::earlier_request_stays},
    conformance_check{"a task takes one request after the other", conformance::request_after_the_last},
    conformance_check{"retiring frees the worker's tasks at once", conformance::retirement},
    conformance_check{"the next unowned task is due at its wake_at", conformance::next_due_of_unowned_tasks},
    conformance_check{"a foreign lease is due when it runs out", conformance::next_due_of_leases},
    conformance_check{"a request is due now", conformance::next_due_of_requests},

    conformance_check{"checkpoints come back with their names, beside the steps of the workflow", conformance::checkpoints},
    conformance_check{"checkpoints are counted by their state", conformance::statistics_of_checkpoints},
    conformance_check{"a renewed task has its new input, and of its steps only those written with it", conformance::renewal},
    conformance_check{"messages come back in order, with all they say", conformance::messages_in_order},
    conformance_check{"of messages with the same key the first is stored, taken or not", conformance::messages_with_keys},
    conformance_check{"a message that was taken is told no more", conformance::taken_messages},
    conformance_check{"only the owner takes and sends", conformance::messages_of_former_owners},
    conformance_check{"messages are sent with the commit", conformance::sent_messages},
    conformance_check{"a batch that comes again sends nothing again", conformance::messages_sent_again},
    conformance_check{"messages are purged with their task", conformance::messages_go_with_their_task},
    conformance_check{"a message wakes a task that waits in the store", conformance::message_wakes},
    conformance_check{"a message that came while its task was written off wakes it", conformance::message_amid_release},
    conformance_check{"a task that is over takes no message, one in error does", conformance::messages_to_finished_tasks},
    conformance_check{"a heartbeat tells which of the worker's tasks have messages", conformance::mail_reaches_the_owner},

    conformance_check{"the same shape keeps its number", conformance::same_shape},
    conformance_check{"another shape under the same version is refused", conformance::other_shape},
    conformance_check{"versions and namespaces stand side by side [A13]", conformance::versions_side_by_side},
    conformance_check{"filters find what fits them all", conformance::find_filters},
    conformance_check{"pages give every task once, capped [J22]", conformance::find_pages},
    conformance_check{"an unknown task is not found [E12]", conformance::load_unknown},
    conformance_check{"an empty store counts nothing [J12]", conformance::empty_statistics},
    conformance_check{"statistics count tasks, steps and errors [J11]", conformance::statistics},
    conformance_check{"statistics count within their window", conformance::statistics_window},
    conformance_check{"changed options count from then on", conformance::changed_options},
    conformance_check{"purge deletes old finished tasks that nobody owns, whole", conformance::purge},
    conformance_check{"purge is bounded", conformance::bounded_purge},

    conformance_check{"no task is given out twice [B16][F25]", conformance::concurrent_claims},
    conformance_check{"one of two claimers of a task gets it [B16]", conformance::concurrent_claims_of_one},
    conformance_check{"one of two equal submissions is stored [A11]", conformance::concurrent_creations},
    conformance_check{"one of two requests at one time is stored", conformance::concurrent_requests},
    conformance_check{"a reader sees a commit whole or not at all", conformance::concurrent_readers},
};

/// Runs `check` on a fresh store.
inline void run_check(conformance_check const& check, any_store fresh)
{
    bench on{fresh};
    check.run(on);
}

/// Runs every check, each on a fresh store from `make_store`; throws one `conformance_failure` that lists all broken sentences.
template <class MakeStore>
void check_conformance(MakeStore make_store)
{
    std::string broken;
    for (conformance_check const& check : conformance_checks)
        try {
            run_check(check, any_store{make_store()});
        } catch (std::exception const& problem) {
            broken += std::string{"\n- "} + std::string{check.sentence} + ": " + problem.what();
        }
    if (!broken.empty())
        throw conformance_failure{"the store breaks its contract:" + broken};
}

} // namespace tasker::testing
