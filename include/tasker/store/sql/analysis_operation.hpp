#pragma once

#include <tasker/store/sql/query.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tasker::sql {

/// How a database runs the analysis: as a statement of ours, or as a function that its schema holds.
enum class analysis_form { plain_statement, stored_function };

/// What a column of an answer holds. A body gives whole numbers: 0 or 1 for a flag, microseconds for instants and lengths,
/// hundredths for decimals. A stored function gives what reads well in psql instead.
enum class column_kind { integer, text, id, flag, instant, length, decimal };

struct analysis_column {
    std::string_view name;
    column_kind kind;
};

struct analysis_argument {
    std::string_view name;
    column_kind kind; ///< `id` means a list of them
    std::string_view otherwise = {}; ///< its default in psql, if any
};

/// One question that both kinds of database answer with the same body.
struct analysis_operation {
    std::string_view name;
    std::string_view promise; ///< in a sentence or two, for psql's \df+
    std::vector<analysis_argument> arguments;
    std::vector<analysis_column> columns;
    std::string body;
    std::string_view order;
};

/// The type that `kind` has in PostgreSQL.
constexpr std::string_view column_type(column_kind kind)
{
    switch (kind) {
    case column_kind::integer: return "bigint";
    case column_kind::text: return "text";
    case column_kind::id: return "uuid";
    case column_kind::flag: return "boolean";
    case column_kind::instant: return "timestamptz";
    case column_kind::length: return "interval";
    case column_kind::decimal: return "numeric";
    }
    return "text";
}

/// What joins the pieces that `spell` makes of `items`.
template <class Items, class Spell>
std::string listed(Items const& items, Spell spell)
{
    std::string text;
    for (auto const& item : items)
        text.append(text.empty() ? "" : ", ").append(spell(item));
    return text;
}

/// The body as a query of its own, each column by what `spell` makes of its name.
template <class Spell>
std::string whole_query(analysis_operation const& of, Spell spell)
{
    auto const of_answer = [&](analysis_column const& column) { return spell(column, "answer." + std::string{column.name}); };
    return "select " + listed(of.columns, of_answer) + "\nfrom (" + of.body + ") as answer\norder by " + std::string{of.order};
}

inline std::string column_types(analysis_operation const& of)
{
    std::string types;
    for (analysis_column const& column : of.columns)
        types += column.kind == column_kind::text || column.kind == column_kind::id ? 't' : 'i';
    return types;
}

inline std::string parameter_types(analysis_operation const& of)
{
    std::string types;
    for (analysis_argument const& argument : of.arguments)
        types += argument.kind == column_kind::id ? 't' : 'i';
    return types;
}

} // namespace tasker::sql
