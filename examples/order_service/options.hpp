#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace order_service {

/// The command line was not understood; what() says why, in a sentence.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

enum class job { run, gateway, check, help };
enum class amount_of_words { usual, few };
enum class store_kind { sqlite, postgres };

struct options {
    job what = job::run;
    std::filesystem::path orders;
    std::filesystem::path data;
    store_kind store = store_kind::sqlite;
    double speed = 1.0;   ///< (0, 1000]
    int concurrency = 10; ///< steps at a time, 1 to 10,000
    amount_of_words words = amount_of_words::usual;
    std::optional<std::uint16_t> port; ///< of a gateway that runs by itself; nothing: inside this process
    std::filesystem::path list;        ///< where `check` writes what it saw; empty: nowhere
};

inline constexpr std::string_view help_text = R"(order_service: ships an orders file, one durable workflow an order.

  order_service [run] [--orders FILE] [--data DIR] [--store sqlite|postgres] [--speed X | --fast] [--concurrency N]
                [--gateway PORT] [--quiet]
      Works through the orders: validate -> reserve and charge -> ship -> notify. Stop it with Ctrl-C, or kill it, at
      any moment: started again, it goes on where it was. A finished run leaves a report; the next run starts afresh.
  order_service gateway --port N [--data DIR] [--store sqlite|postgres] [--speed X | --fast]
      Runs the payment gateway by itself, for `order_service --gateway N`. Otherwise it is a thread of the run.
  order_service check [--data DIR] [--store sqlite|postgres] [--list FILE]
      Compares the database with the gateway's ledger: every order at most once, every charge where it belongs.

  --orders FILE      a JSON array of orders               (shipped: orders.json)
  --data DIR         database, ledger and reports          (${XDG_STATE_HOME:-~/.local/state}/tasker/order_service,
                                                            with postgres: .../order_service_postgres)
  --store postgres   the orders are in a schema of the PostgreSQL that the environment variable TASKER_POSTGRES tells how
                     to connect to, such as "host=localhost dbname=shop user=worker"; ledger and reports stay in DIR
  --speed X          the simulated world runs X times as fast; --fast is --speed 10
  --concurrency N    steps running at a time              (10)
  --gateway PORT     use the gateway on this loopback port
  --quiet            no progress and no table; the report is in the file that is named at the end
  --list FILE        for check: write a line for each order

Exit status: 0 finished, or stopped by the first Ctrl-C; 1 something failed; 2 bad command line;
130 stopped by the second Ctrl-C.
)";

namespace detail {

inline std::filesystem::path default_data(store_kind store)
{
    auto const text = [](char const* name) { return std::string_view{std::getenv(name) ? std::getenv(name) : ""}; };
    std::filesystem::path state{text("XDG_STATE_HOME")};
    if (state.empty() && !text("HOME").empty())
        state = std::filesystem::path{text("HOME")} / ".local" / "state";
    return (state.empty() ? std::filesystem::temp_directory_path() : state) / "tasker" /
           (store == store_kind::postgres ? "order_service_postgres" : "order_service");
}

template <class Number>
Number number_from(std::string_view option, std::string_view text, Number least, Number most)
{
    Number number{};
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc{} || end != text.data() + text.size() || !(number >= least && number <= most)) {
        char limits[64];
        std::snprintf(limits, sizeof limits, "%g to %g", static_cast<double>(least), static_cast<double>(most));
        throw usage_error{std::string{option} + " takes a number from " + limits + ", not \"" + std::string{text} +
                          "\"."};
    }
    return number;
}

/// Reads the words of a command line from left to right.
class command_line {
public:
    command_line(std::span<char const* const> words, options& result) : words_{words}, result_{result} {}

    void read()
    {
        if (!words_.empty() && !words_.front()[0])
            throw usage_error{"An empty word is no command."};
        if (!words_.empty() && words_.front()[0] != '-')
            command(next());
        while (!words_.empty())
            option(next());
        if (result_.what == job::gateway && !result_.port)
            throw usage_error{"The gateway needs --port N, such as --port 8402."};
    }

private:
    std::string_view next()
    {
        std::string_view const word = words_.front();
        words_ = words_.subspan(1);
        return word;
    }

    std::string_view value_of(std::string_view option)
    {
        if (words_.empty())
            throw usage_error{std::string{option} + " needs a value behind it."};
        return next();
    }

    void command(std::string_view word)
    {
        if (word == "gateway")
            result_.what = job::gateway;
        else if (word == "check")
            result_.what = job::check;
        else if (word == "help")
            result_.what = job::help;
        else if (word != "run")
            throw usage_error{"There is no command \"" + std::string{word} + "\"; there are run, gateway and check."};
    }

    static store_kind store_from(std::string_view word)
    {
        if (word != "sqlite" && word != "postgres")
            throw usage_error{"--store takes sqlite or postgres, not \"" + std::string{word} + "\"."};
        return word == "postgres" ? store_kind::postgres : store_kind::sqlite;
    }

    void option(std::string_view word)
    {
        if (word == "--help" || word == "-h")
            result_.what = job::help;
        else if (word == "--orders")
            result_.orders = value_of(word);
        else if (word == "--data")
            result_.data = value_of(word);
        else if (word == "--store")
            result_.store = store_from(value_of(word));
        else if (word == "--list")
            result_.list = value_of(word);
        else if (word == "--fast")
            result_.speed = 10;
        else if (word == "--speed")
            result_.speed = number_from(word, value_of(word), 0.01, 1000.0);
        else if (word == "--concurrency")
            result_.concurrency = number_from(word, value_of(word), 1, 10'000);
        else if (word == "--gateway" || word == "--port")
            result_.port = number_from<std::uint16_t>(word, value_of(word), 1, 65'535);
        else if (word == "--quiet")
            result_.words = amount_of_words::few;
        else
            throw usage_error{"There is no option \"" + std::string{word} + "\"; order_service --help lists them all."};
    }

    std::span<char const* const> words_;
    options& result_;
};

} // namespace detail

/// Reads a command line (without the program's name). `shipped_orders` is the orders file unless another is named.
/// Throws usage_error.
inline options read_options(std::span<char const* const> words, std::filesystem::path const& shipped_orders)
{
    options result;
    result.orders = shipped_orders;
    detail::command_line{words, result}.read();
    if (result.data.empty())
        result.data = detail::default_data(result.store);
    return result;
}

} // namespace order_service
