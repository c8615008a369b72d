#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/diagram.hpp>
#include <tasker/model/graph.hpp>
#include <tasker/model/records.hpp>
#include <tasker/model/states.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tasker {

namespace detail {

/// A character of somebody's name that would break a line or a picture.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// The inside of a quoted label of the DOT language, which reads backslashes and HTML entities.
inline std::string dot_text(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        if (c == '\n')
            out += "\\n";
        else if (c == '"' || c == '\\')
            out.append(1, '\\').append(1, c);
        else if (c == '&')
            out += "&amp;";
        else
            out += is_control(c) ? ' ' : c;
    }
    return out;
}

/// The inside of a quoted label of Mermaid, which reads HTML, Markdown, directives and its own entities: all but plain
/// characters become entities.
inline std::string mermaid_text(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        bool const plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           static_cast<unsigned char>(c) >= 0x80 ||
                           std::string_view{" _-.,:/()"}.find(c) != std::string_view::npos;
        if (plain)
            out += c;
        else if (c == '\n')
            out += "<br/>";
        else
            out += is_control(c) ? std::string{" "} : '#' + std::to_string(static_cast<int>(c)) + ';';
    }
    return out;
}

/// The inside of a double-quoted YAML scalar, for the title.
inline std::string yaml_text(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += is_control(c) ? ' ' : c;
    }
    return out;
}

inline std::string spaced(std::string_view state)
{
    std::string words{state};
    std::replace(words.begin(), words.end(), '_', ' ');
    return words;
}

/// What stands below the name of a step that has begun: its state in words, so that no one needs the colours.
inline std::string note_of(step_record const& record)
{
    if (record.state == step_state::pending && record.attempts == 0)
        return {};
    std::string const note = spaced(name(record.state));
    if (record.state == step_state::in_progress) // the record counts finished attempts only
        return record.attempts == 0 ? note : note + ", attempt " + std::to_string(record.attempts + 1);
    return record.attempts < 2 ? note : note + ", " + std::to_string(record.attempts) + " attempts";
}

inline void check_records(graph const& shape, std::span<step_record const> records)
{
    if (!records.empty() && records.size() != shape.size())
        throw error{errc::invalid_options, "a diagram of " + std::to_string(shape.size()) +
                                               " steps takes one record a step or none at all, got " +
                                               std::to_string(records.size())};
}

inline step_record const& record_at(std::span<step_record const> records, step_no no)
{
    static step_record const never_started;
    return records.empty() ? never_started : records[no];
}

} // namespace detail

TASKER_INLINE std::string to_dot(graph const& shape, std::string_view title, std::span<step_record const> records)
{
    detail::check_records(shape, records);
    std::string out = R"(digraph workflow {
    graph [fontname="Helvetica", fontsize=16, labelloc=t, nodesep=0.4, ranksep=0.45, pad=0.2];
    node [fontname="Helvetica", fontsize=12, shape=box, style="rounded,filled", margin="0.2,0.1", penwidth=1.4];
    edge [color="#52525b", arrowsize=0.7];
    label=")" + detail::dot_text(title) + "\\n \";\n";
    for (step_no no = 0; no < shape.size(); ++no) {
        step_record const& record = detail::record_at(records, no);
        state_colour const& colour = colour_of(record.state);
        std::string const note = detail::note_of(record);
        out += "    s" + std::to_string(no) + " [label=\"" + detail::dot_text(shape.step(no).name) +
               (note.empty() ? "" : "\\n" + note) + "\", fillcolor=\"" + std::string{colour.fill} + "\", color=\"" +
               std::string{colour.line} + "\"];\n";
    }
    for (edge const& e : shape.edges())
        out += "    s" + std::to_string(e.parent) + " -> s" + std::to_string(e.child) + ";\n";
    return out + "}\n";
}

TASKER_INLINE std::string to_mermaid(graph const& shape, std::string_view title, std::span<step_record const> records)
{
    detail::check_records(shape, records);
    std::string out = "---\ntitle: \"" + detail::yaml_text(title) + "\"\n---\nflowchart TD\n";
    for (step_no no = 0; no < shape.size(); ++no) {
        std::string const note = detail::note_of(detail::record_at(records, no));
        out += "    s" + std::to_string(no) + "(\"" + detail::mermaid_text(shape.step(no).name) +
               (note.empty() ? "" : "<br/>" + note) + "\")\n";
    }
    for (edge const& e : shape.edges())
        out += "    s" + std::to_string(e.parent) + " --> s" + std::to_string(e.child) + "\n";
    for (state_colour const& colour : state_colours) {
        std::string members;
        for (step_no no = 0; no < shape.size(); ++no)
            if (detail::record_at(records, no).state == colour.state)
                members += (members.empty() ? "s" : ",s") + std::to_string(no);
        if (!members.empty())
            out += "    classDef " + std::string{name(colour.state)} + " fill:" + std::string{colour.fill} +
                   ",stroke:" + std::string{colour.line} + ",color:#18181b\n    class " + members + " " +
                   std::string{name(colour.state)} + "\n";
    }
    return out;
}

} // namespace tasker
