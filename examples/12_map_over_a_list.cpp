// As many steps as the list has items: four at a time, each with retries of its own, results in the order of the list.

#include <tasker/tasker.hpp>
#include <tasker/testing/simulation.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr tasker::retry_policy quick{.max_attempts = 3, .backoff = {.initial = 1s, .factor = 1.0, .cap = 1s}, .jitter = tasker::jitter::none};

asio::awaitable<int> word_lengths(tasker::workflow_context& wf, std::vector<std::string> const& words)
{
    auto const lengths = co_await wf.map("measure", words, [](tasker::step_context& s, std::string const& word) -> asio::awaitable<std::size_t> {
        co_await s.sleep_for(10s);
        if (word == "eel" && s.attempt() == 1)
            throw tasker::transient_error{"it slipped away"};
        co_return word.size();
    }, {.concurrency = 4, .step = {.retry = quick}});
    int total = 0;
    for (std::size_t at = 0; at < words.size(); ++at) {
        std::cout << words[at] << ": " << lengths[at] << '\n';
        total += static_cast<int>(lengths[at]);
    }
    co_return total;
}

int main()
{
    tasker::testing::simulation sim;
    std::vector<std::string> const words{"ant", "buffalo", "cat", "dog", "eel", "fox"};
    auto const report = sim.run(tasker::coroutine_workflow("words", "lengths", "1.0.0", word_lengths), words);
    std::cout << "in all " << report.result<int>() << ", after " << tasker::to_text(report.elapsed) << '\n';
    for (auto const& step : report.steps)
        if (step.attempts() > 1)
            std::cout << step.name << " took " << step.attempts() << " attempts\n";
}
