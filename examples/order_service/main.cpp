// Ships an orders file: the main job of this repository. See options.hpp for what it can do, workflow.hpp for how.

#include "check.hpp"
#include "data_folder.hpp"
#include "gateway.hpp"
#include "gateway_thread.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "order_picture.hpp"
#include "order_run.hpp"
#include "orders_file.hpp"
#include "orders_in_store.hpp"
#include "orders_place.hpp"
#include "report.hpp"
#include "timeline.hpp"
#include "workflow.hpp"

#include <tasker/store/any_store.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace order_service;

/// The steps and edges; where the steps would act does not matter to them.
tasker::graph workflow_shape()
{
    shop const nowhere{payment_client{{}}, {}, 0};
    return fulfil_order(nowhere).shape();
}

std::vector<std::string> step_names(tasker::graph const& steps)
{
    std::vector<std::string> names;
    for (auto const& step : steps.steps())
        names.push_back(step.name);
    return names;
}

/// Where the batch stands before the run; says so when it goes on with an unfinished one.
progress take_up(tasker::any_store store, int batch, std::vector<order> const& orders)
{
    auto const steps = workflow_shape();
    progress start{};
    start.total = orders.size();
    std::map<std::string, tasker::task_record> known;
    for (auto& [key, task] : orders_in(store, batch))
        known.emplace(key, std::move(task));
    for (order const& placed : orders)
        if (auto const at = known.find(order_key(batch, placed.id)); at != known.end())
            count(start, outcome_of(story_of(store, steps, at->second)));
    std::cout << "Batch " << batch << ": ";
    if (known.empty())
        std::cout << start.total << " orders.\n";
    else
        std::cout << start.total - start.finished() << " of " << start.total
                  << " orders were unfinished when the last run stopped; going on where it was.\n";
    std::cout << std::flush;
    return start;
}

void report_on(tasker::any_store store, data_folder const& folder, int batch, amount_of_words words)
{
    auto const steps = workflow_shape();
    std::vector<order_story> stories;
    for (auto const& [key, task] : orders_in(store, batch))
        stories.push_back(story_of(store, steps, task));
    batch_report const report{batch, step_names(steps), stories};
    std::string text = report.text();
    if (auto const* slowest = report.slowest()) {
        auto const shown = timeline_of(*slowest, step_names(steps));
        write_file(folder.picture(batch), timeline_picture{shown}.svg());
        text += "\nSlowest: " + shown.title + "\n";
    }
    write_file(folder.report(batch), text);
    if (words == amount_of_words::usual)
        std::cout << '\n' << text << '\n';
    std::cout << "Its timeline:  " << folder.picture(batch).string()
              << "\nThis report:   " << folder.report(batch).string() << '\n';
}

int run(options const& chosen)
{
    auto const orders = read_orders(chosen.orders);
    data_folder const folder{chosen.data};
    folder_lock const only_one{folder, "run"};
    int const batch = folder.current_batch();
    orders_place const place{folder, chosen.store};
    auto const start = take_up(place.open(), batch, orders);

    std::unique_ptr<folder_lock> ledger_lock;
    std::unique_ptr<gateway_thread> own_gateway;
    asio::ip::tcp::endpoint bank{asio::ip::address_v4::loopback(), chosen.port.value_or(0)};
    if (!chosen.port) {
        ledger_lock = std::make_unique<folder_lock>(folder, "gateway");
        own_gateway = std::make_unique<gateway_thread>(gateway_settings{0, {chosen.speed}, folder.ledger()});
        bank = own_gateway->endpoint();
    }
    shop const at{payment_client{bank}, {chosen.speed}, batch};
    auto const kind = chosen.words == amount_of_words::few ? screen::nothing : screen_of_stdout();
    order_run work{at, place.open(), chosen.concurrency, start, kind};
    if (work.work_through(orders) == run_end::stopped) {
        auto const left = orders.size() - work.now().finished();
        std::cout << "Stopped with " << left << " of " << orders.size()
                  << " orders unfinished. Start it again in the same way, and it goes on where it was.\n";
        return 0;
    }
    report_on(place.open(), folder, batch, chosen.words);
    return 0;
}

int run_gateway(options const& chosen)
{
    data_folder const folder{chosen.data};
    folder_lock const only_one{folder, "gateway"};
    asio::io_context io{1};
    gateway const bank{io.get_executor(), {*chosen.port, {chosen.speed}, folder.ledger()}};
    std::cout << "The gateway listens on " << bank.endpoint() << "; its ledger is " << folder.ledger().string()
              << ". Ctrl-C stops it.\n"
              << std::flush;
    asio::signal_set signals{io, SIGINT, SIGTERM};
    signals.async_wait([&](auto, int) { io.stop(); });
    io.run();
    std::cout << "Stopped, with " << bank.charges() << " charges in the ledger.\n";
    return 0;
}

int check(options const& chosen)
{
    data_folder const folder{chosen.data};
    orders_place const place{folder, chosen.store};
    if (!place.is_founded())
        throw std::runtime_error{"There is no database in " + folder.path().string() +
                                 "; name its folder with --data DIR."};
    if (!std::filesystem::exists(folder.ledger()))
        throw std::runtime_error{"There is no ledger in " + folder.path().string() +
                                 "; a gateway that runs by itself needs the same --data DIR."};
    folder_lock const nobody_runs{folder, "run"};
    auto store = place.open();
    order_check const checked{store, workflow_shape(), read_ledger(folder.ledger())};
    if (!chosen.list.empty()) {
        std::ofstream out{chosen.list};
        checked.list(out);
    }
    std::cout << checked.summary() << '\n';
    auto const problems = checked.problems();
    for (auto const& problem : problems)
        std::cout << problem << '\n';
    return problems.empty() ? 0 : 1;
}

int perform(options const& chosen)
{
    switch (chosen.what) {
    case job::run: return run(chosen);
    case job::gateway: return run_gateway(chosen);
    case job::check: return check(chosen);
    case job::help: break;
    }
    std::cout << help_text;
    return 0;
}

} // namespace

int main(int count, char** words)
{
    try {
        auto const shipped = std::filesystem::path{TASKER_EXAMPLE_DIRECTORY} / "orders.json";
        return perform(read_options(std::span{words, static_cast<std::size_t>(count)}.subspan(1), shipped));
    } catch (usage_error const& problem) {
        std::cerr << problem.what() << '\n';
        return 2;
    } catch (std::exception const& problem) {
        std::cerr << "order_service: " << problem.what() << '\n';
        return 1;
    }
}
