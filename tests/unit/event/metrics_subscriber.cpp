#include <tasker/event/event_bus.hpp>
#include <tasker/event/metrics_subscriber.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tasker;
using namespace std::chrono_literals;

namespace {

constexpr task_id first{1, 1};
constexpr task_id second{1, 2};

template <class Event>
Event of(task_id task, std::string step = {}, int attempt = 1, std::string workflow = "shop/order@1.0.0")
{
    Event e;
    e.task = task;
    e.workflow = std::move(workflow);
    if constexpr (std::is_base_of_v<step_event, Event>) {
        e.step = std::move(step);
        e.attempt = attempt;
    }
    return e;
}

template <class Event>
Event lasting(duration length, Event e)
{
    e.elapsed = length;
    return e;
}

/// The value of a sample, named with its labels; -1 when there is none.
double sample(metrics_subscriber const& metrics, std::string const& name)
{
    std::istringstream text{metrics.to_prometheus()};
    for (std::string line; std::getline(text, line);)
        if (line.rfind(name + ' ', 0) == 0)
            return std::stod(line.substr(name.size() + 1));
    return -1;
}

constexpr char const* tasks_running = "tasker_tasks_in_flight{workflow=\"shop/order@1.0.0\"}";
constexpr char const* charges_running = "tasker_steps_in_flight{workflow=\"shop/order@1.0.0\",step=\"charge\"}";

} // namespace

TEST_CASE("tasks are counted by what became of them")
{
    metrics_subscriber const metrics;
    metrics(of<task_submitted>(first));
    metrics(of<task_submitted>(second));
    metrics(lasting(2s, of<task_completed>(first)));
    metrics(lasting(20s, of<task_failed>(second)));
    metrics(of<task_retry_requested>(second));
    metrics(of<task_cancelled>(second));
    metrics(of<task_resolved_manually>(second));
    metrics(of<task_lease_lost>(second));
    auto const labelled = [](std::string name) { return name + "{workflow=\"shop/order@1.0.0\"}"; };
    CHECK(sample(metrics, labelled("tasker_tasks_submitted_total")) == 2);
    CHECK(sample(metrics, labelled("tasker_tasks_completed_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_tasks_failed_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_tasks_retried_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_tasks_cancelled_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_tasks_resolved_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_task_leases_lost_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_task_duration_seconds_sum")) == 22);
    CHECK(sample(metrics, labelled("tasker_task_duration_seconds_count")) == 2);
    CHECK(sample(metrics, "tasker_task_duration_seconds_bucket{workflow=\"shop/order@1.0.0\",le=\"2.5\"}") == 1);
}

TEST_CASE("steps are counted by what became of their attempts, with the attempts' lengths")
{
    metrics_subscriber const metrics;
    for (int attempt = 1; attempt <= 3; ++attempt) {
        metrics(of<step_started>(first, "charge", attempt));
        if (attempt < 3)
            metrics(lasting(100ms, of<step_failed>(first, "charge", attempt)));
        else
            metrics(lasting(7ms, of<step_completed>(first, "charge", attempt)));
        if (attempt < 3)
            metrics(of<step_retry_requested>(first, "charge", attempt));
    }
    metrics(of<step_cancelled>(second, "charge", 0));
    metrics(of<step_resolved_manually>(second, "charge", 0));
    auto const labelled = [](std::string name) { return name + "{workflow=\"shop/order@1.0.0\",step=\"charge\"}"; };
    CHECK(sample(metrics, labelled("tasker_steps_started_total")) == 3);
    CHECK(sample(metrics, labelled("tasker_steps_completed_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_steps_failed_total")) == 2);
    CHECK(sample(metrics, labelled("tasker_steps_retried_total")) == 2);
    CHECK(sample(metrics, labelled("tasker_steps_cancelled_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_steps_resolved_total")) == 1);
    CHECK(sample(metrics, labelled("tasker_step_duration_seconds_count")) == 3);
    CHECK(sample(metrics, labelled("tasker_step_duration_seconds_sum")) == 0.207);
    CHECK(sample(metrics, charges_running) == 0);
}

TEST_CASE("a task is in flight while it runs: not while it waits, and not when it is over or lost")
{
    metrics_subscriber const metrics;
    metrics(of<task_submitted>(first));
    CHECK(sample(metrics, tasks_running) == 0);
    metrics(of<task_started>(first));
    metrics(of<task_started>(second));
    CHECK(sample(metrics, tasks_running) == 2);
    metrics(of<task_waiting>(first));
    CHECK(sample(metrics, tasks_running) == 1);
    metrics(of<task_started>(first));
    metrics(of<task_started>(first)); // told twice, counted once
    CHECK(sample(metrics, tasks_running) == 2);
    metrics(of<task_completed>(first));
    CHECK(sample(metrics, tasks_running) == 1);
    metrics(of<task_lease_lost>(second));
    metrics(of<task_cancelled>(second));
    CHECK(sample(metrics, tasks_running) == 0);
}

TEST_CASE("an attempt is in flight until it ends, its task ends, or its lease is lost, and never below nothing")
{
    metrics_subscriber const metrics;
    metrics(of<step_cancelled>(first, "charge", 0)); // never started
    metrics(of<step_failed>(second, "charge", 1));   // started by another worker
    CHECK(sample(metrics, charges_running) == 0);
    metrics(of<step_started>(first, "charge"));
    metrics(of<step_started>(second, "charge"));
    CHECK(sample(metrics, charges_running) == 2);
    metrics(of<step_completed>(first, "charge"));
    metrics(of<step_completed>(first, "charge")); // nothing of it runs any more
    CHECK(sample(metrics, charges_running) == 1);
    metrics(of<task_lease_lost>(second));
    CHECK(sample(metrics, charges_running) == 0);
}

TEST_CASE("series are bounded: what is above the options' limits shares the label other, and no count is lost")
{
    metrics_subscriber const metrics{{.max_workflows = 3, .max_steps = 4}};
    for (int at = 0; at < 50; ++at)
        metrics(of<step_completed>(first, "step" + std::to_string(at % 10), 1, "flow" + std::to_string(at / 10)));
    std::set<std::string> series;
    double counted = 0;
    std::istringstream text{metrics.to_prometheus()};
    for (std::string line; std::getline(text, line);)
        if (line.rfind("tasker_steps_completed_total{", 0) == 0) {
            series.insert(line.substr(0, line.rfind(' ')));
            counted += std::stod(line.substr(line.rfind(' ') + 1));
        }
    CHECK(counted == 50);
    CHECK(series == std::set<std::string>{"tasker_steps_completed_total{workflow=\"flow0\",step=\"step0\"}",
                                          "tasker_steps_completed_total{workflow=\"flow0\",step=\"step1\"}",
                                          "tasker_steps_completed_total{workflow=\"flow0\",step=\"step2\"}",
                                          "tasker_steps_completed_total{workflow=\"flow0\",step=\"step3\"}",
                                          "tasker_steps_completed_total{workflow=\"flow0\",step=\"other\"}",
                                          "tasker_steps_completed_total{workflow=\"flow1\",step=\"other\"}",
                                          "tasker_steps_completed_total{workflow=\"flow2\",step=\"other\"}",
                                          "tasker_steps_completed_total{workflow=\"other\",step=\"other\"}"});
}

TEST_CASE("tasks above the limit of tracked ones are counted, but not in the gauges")
{
    metrics_subscriber const metrics{{.max_tracked_tasks = 1}};
    metrics(of<task_started>(first));
    metrics(of<task_started>(second));
    metrics(of<step_started>(second, "charge"));
    CHECK(sample(metrics, tasks_running) == 1);
    CHECK(sample(metrics, charges_running) == 0);
    metrics(of<step_completed>(second, "charge"));
    metrics(of<task_completed>(second));
    CHECK(sample(metrics, charges_running) == 0);
    CHECK(sample(metrics, tasks_running) == 1);
}

TEST_CASE("the text has one HELP and one TYPE line a family, before its samples, which stand together")
{
    metrics_subscriber const metrics;
    metrics(of<task_submitted>(first));
    metrics(of<step_completed>(first, "charge"));
    metrics(of<step_completed>(first, "ship"));
    std::map<std::string, std::string> types;
    std::string family;
    std::string text = metrics.to_prometheus();
    CHECK(text.back() == '\n');
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        std::istringstream words{line};
        std::string hash, keyword, name, type;
        if (line.rfind("# HELP ", 0) == 0) {
            words >> hash >> keyword >> family;
            CHECK_FALSE(types.contains(family));
        } else if (line.rfind("# TYPE ", 0) == 0) {
            words >> hash >> keyword >> name >> type;
            CHECK(name == family);
            CHECK(types.emplace(name, type).second);
        } else {
            REQUIRE(types.contains(family));
            CHECK(line.rfind(family, 0) == 0);
            auto const suffix = line.substr(family.size(), line.find_first_of("{ ") - family.size());
            if (types[family] == "histogram")
                CHECK(std::set<std::string>{"_bucket", "_sum", "_count"}.contains(suffix));
            else
                CHECK(suffix.empty());
        }
    }
    for (auto const& [name, type] : types) {
        INFO(name);
        CHECK((type == "counter") == (name.size() > 6 && name.substr(name.size() - 6) == "_total"));
        CHECK((type == "histogram") == (name.find("_seconds") != std::string::npos));
    }
    CHECK(types.size() == 18);
}

TEST_CASE("labels are escaped")
{
    metrics_subscriber const metrics;
    metrics(of<step_completed>(first, "say \"hi\"\\\n", 1, "a\"b"));
    CHECK(sample(metrics, R"(tasker_steps_completed_total{workflow="a\"b",step="say \"hi\"\\\n"})") == 1);
}

TEST_CASE("failed flushes of the store are counted")
{
    metrics_subscriber const metrics;
    CHECK(sample(metrics, "tasker_store_failures_total") == 0);
    metrics(store_failing{});
    metrics(store_failing{});
    metrics(store_recovered{});
    CHECK(sample(metrics, "tasker_store_failures_total") == 2);
}

TEST_CASE("metrics are counted in place, over copies, for many threads, while somebody scrapes")
{
    metrics_subscriber const metrics;
    event_bus bus;
    auto const s = bus.subscribe(metrics);
    std::vector<std::thread> publishers;
    for (std::uint64_t thread = 1; thread <= 3; ++thread)
        publishers.emplace_back([&bus, thread] {
            for (int at = 0; at < 500; ++at) {
                bus.publish(of<step_started>(task_id{thread, 0}, "charge"));
                bus.publish(of<step_completed>(task_id{thread, 0}, "charge"));
            }
        });
    for (int scrape = 0; scrape < 20; ++scrape)
        CHECK(sample(metrics, charges_running) <= 3);
    for (auto& publisher : publishers)
        publisher.join();
    CHECK(sample(metrics, "tasker_steps_completed_total{workflow=\"shop/order@1.0.0\",step=\"charge\"}") == 1'500);
    CHECK(sample(metrics, charges_running) == 0);
}
