// Runs a recorded scientific workflow (WfFormat 1.5) again, durably, and draws what became of it. See options.hpp.

#include "../order_service/data_folder.hpp"
#include "durable_run.hpp"
#include "gantt.hpp"
#include "options.hpp"
#include "report.hpp"
#include "wf_format.hpp"

#include <tasker/store/sqlite_store.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace wfrun;

/// Checked before anything is written, lest a long run end without its picture.
void check_picture(std::filesystem::path const& picture)
{
    auto const folder = picture.has_parent_path() ? picture.parent_path() : std::filesystem::path{"."};
    if (!std::filesystem::is_directory(folder) || std::filesystem::is_directory(picture))
        throw std::runtime_error{"The chart cannot be drawn to " + picture.string() +
                                 "; name a file in a folder that exists with --svg FILE."};
}

tasker::sqlite_store open_store(std::filesystem::path const& file)
{
    if (file.has_parent_path())
        std::filesystem::create_directories(file.parent_path());
    return tasker::sqlite_store{file};
}

/// The run to go on with; says so, and refuses to change its speed midway.
std::optional<tasker::task_record> unfinished_run(options const& chosen, tasker::workflow const& flow)
{
    tasker::any_store store{open_store(chosen.store)};
    store.migrate();
    auto found = newest_run(store, flow);
    if (!found || tasker::is_finished(found->state))
        return std::nullopt;
    double const speed = speed_of(*found);
    if (chosen.speed && *chosen.speed != speed) {
        char text[32];
        std::snprintf(text, sizeof text, "--speed %g", speed);
        throw std::runtime_error{"An unfinished run of this file in " + chosen.store.string() + " was started with " +
                                 text + ", which cannot change midway. Leave --speed out to go on with it, or begin " +
                                 "another with --store FILE."};
    }
    return found;
}

void show(finished_run const& run, std::filesystem::path const& picture)
{
    std::cout << '\n' << report{run}.text() << std::flush;
    order_service::write_file(picture, gantt_chart{run}.svg());
    std::cout << "\nGantt chart: " << picture.string() << '\n';
}

int run(options const& chosen)
{
    instance const read = read_instance(chosen.file);
    auto const flow = make_workflow(read, chosen.workers, chosen.order);
    if (!chosen.picture.empty())
        check_picture(chosen.picture);
    auto const unfinished = unfinished_run(chosen, flow);
    run_input const input{unfinished ? speed_of(*unfinished) : chosen.speed.value_or(usual_speed)};
    std::cout << read.name << ": "
              << (unfinished ? "an earlier run of it did not finish; going on where it was.\n" : "a new run.\n")
              << std::flush;
    durable_run work{flow, open_store(chosen.store), chosen.workers};
    auto const ended = work.work(unfinished ? std::optional{unfinished->id} : std::nullopt, input);
    if (!ended) {
        std::cout << "Stopped. Started again with the same file and store, it goes on where it was.\n";
        return 0;
    }
    if (ended->task.state != tasker::task_state::complete)
        throw std::runtime_error{"The run ended in the state \"" + std::string{name(ended->task.state)} +
                                 "\": " + ended->task.status_reason + ". Start wfrun again for a new one."};
    show({read, schedule_of(*ended, read.tasks.size()), chosen.workers, chosen.order, input.speed,
          unfinished.has_value()},
         chosen.picture.empty() ? chosen.store.parent_path() / (read.name + ".svg") : chosen.picture);
    return 0;
}

} // namespace

int main(int count, char** words)
{
    try {
        auto const shipped = std::filesystem::path{TASKER_EXAMPLE_DIRECTORY} / "coastline-atlas.json";
        auto const chosen = read_options(std::span{words, static_cast<std::size_t>(count)}.subspan(1), shipped);
        if (chosen.what == job::run)
            return run(chosen);
        std::cout << help_text;
        return 0;
    } catch (usage_error const& problem) {
        std::cerr << problem.what() << '\n';
        return 2;
    } catch (std::exception const& problem) {
        std::cerr << "wfrun: " << problem.what() << '\n';
        return 1;
    }
}
