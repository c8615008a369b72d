#pragma once

#include <tasker/base/ids.hpp>
#include <tasker/base/payload.hpp>
#include <tasker/base/time.hpp>
#include <tasker/store/sql/dialect.hpp>

#include <soci/soci.h>

#include <cassert>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tasker::sql {

/// An SQL text and the types of its parameters and columns in order: `i` for an integer, `t` for a text.
/// No parameter's name occurs twice, so that parameters bind by position in every database.
struct statement_text {
    std::string sql;
    std::string parameters;
    std::string columns;
};

/// A statement prepared once and run often. Parameters and columns may all be null.
/// After `run`, read rows until `next` says there is none: only then has the database let go of the statement.
class query {
public:
    query(soci::session& session, statement_text const& text, statement_keeping kept = statement_keeping::prepared)
        : statement_{session}, parameters_(text.parameters.size()), columns_(text.columns.size())
    {
        statement_.alloc();
        statement_.prepare(text.sql, kept == statement_keeping::prepared ? soci::details::st_repeatable_query
                                                                         : soci::details::st_one_time_query);
        for (std::size_t at = 0; at < columns_.size(); ++at)
            if (text.columns[at] == 'i')
                statement_.exchange(soci::into(columns_[at].number, columns_[at].state));
            else
                statement_.exchange(soci::into(columns_[at].text, columns_[at].state));
        for (std::size_t at = 0; at < parameters_.size(); ++at)
            if (text.parameters[at] == 'i')
                statement_.exchange(soci::use(std::as_const(parameters_[at].number), parameters_[at].state));
            else
                statement_.exchange(soci::use(std::as_const(parameters_[at].text), parameters_[at].state));
        statement_.define_and_bind();
    }
    query(query const&) = delete;
    query& operator=(query const&) = delete;

    /// Executes with one value for each parameter; true when there is a first row.
    template <class... Values>
    bool run(Values const&... values)
    {
        assert(sizeof...(values) == parameters_.size());
        std::size_t at = 0;
        (put(parameters_[at++], values), ...);
        column_ = 0;
        return statement_.execute(true);
    }

    bool next()
    {
        column_ = 0;
        return statement_.fetch();
    }

    /// Executes and reads to the end; true when there was a row, the last of which can be read still.
    template <class... Values>
    bool run_once(Values const&... values)
    {
        bool const found = run(values...);
        while (found && next()) {
        }
        column_ = 0;
        return found;
    }

    long long changed_rows() { return statement_.get_affected_rows(); }

    // Each reads the next column of the present row; null reads as zero, empty or none.

    /// Whether the next column has a value; it stays the next.
    bool has_value() const { return !is_null(columns_[column_]); }

    void skip(std::size_t columns = 1) { column_ += columns; }

    std::int64_t integer()
    {
        cell const& column = take();
        return is_null(column) ? 0 : column.number;
    }

    template <std::integral Integer>
    Integer integer_as()
    {
        return static_cast<Integer>(integer());
    }

    std::string text()
    {
        cell const& column = take();
        return is_null(column) ? std::string{} : column.text;
    }

    payload json() { return payload{text()}; }

    std::optional<std::string> optional_text()
    {
        cell const& column = take();
        return is_null(column) ? std::nullopt : std::optional{column.text};
    }

    std::optional<std::int64_t> optional_integer()
    {
        cell const& column = take();
        return is_null(column) ? std::nullopt : std::optional<std::int64_t>{column.number};
    }

    template <class Length>
    std::optional<Length> optional_time()
    {
        auto const count = optional_integer();
        return count ? std::optional{Length{duration{*count}}} : std::nullopt;
    }

    time_point time() { return time_point{duration{integer()}}; }

    template <class Id>
    Id id()
    {
        cell const& column = take();
        return is_null(column) ? Id{} : parse_id<Id>(column.text).value_or(Id{});
    }

private:
    struct cell {
        long long number = 0;
        std::string text;
        soci::indicator state = soci::i_null;
    };

    static bool is_null(cell const& column) { return column.state == soci::i_null; }
    cell const& take() { return columns_[column_++]; }

    template <std::integral Integer>
    static void put(cell& to, Integer value)
    {
        to.number = static_cast<long long>(value);
        to.state = soci::i_ok;
    }

    static void put(cell& to, std::string_view value)
    {
        to.text = value;
        to.state = soci::i_ok;
    }

    static void put(cell& to, payload const& value) { put(to, value.text()); }
    static void put(cell& to, duration value) { put(to, value.count()); }
    static void put(cell& to, time_point value) { put(to, value.time_since_epoch()); }

    template <class Tag>
    static void put(cell& to, basic_id<Tag> value)
    {
        to.state = value ? soci::i_ok : soci::i_null;
        if (value)
            to.text = to_text(value);
    }

    template <class State>
        requires std::is_enum_v<State>
    static void put(cell& to, State value)
    {
        put(to, name(value));
    }

    template <class Value>
    static void put(cell& to, std::optional<Value> const& value)
    {
        if (value)
            put(to, *value);
        else
            to.state = soci::i_null;
    }

    soci::statement statement_;
    std::vector<cell> parameters_; ///< these two never change their size: the statement knows their addresses
    std::vector<cell> columns_;
    std::size_t column_ = 0;
};

/// Runs a statement that is not worth keeping. SOCI's own `session << sql` would do, but does not link under -fsanitize=vptr.
inline void execute(soci::session& session, std::string const& sql)
{
    query{session, {sql, "", ""}}.run_once();
}

} // namespace tasker::sql
