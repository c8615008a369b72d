#pragma once

#include "instance.hpp"
#include "json_place.hpp"

#include <tasker/base/error.hpp>
#include <tasker/base/sha256.hpp>

#include <boost/json/error.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfrun {

/// What a task's name says of its program: without the numbers at its end, and of a dotted name the last part:
/// `mDiffFit_ID0000005` is `mDiffFit`, `SAREK.MARKDUPLICATES` is `MARKDUPLICATES`.
inline std::string category_of(std::string_view name)
{
    std::string_view rest = name;
    for (;;) {
        auto const digits = rest.find_last_not_of("0123456789") + 1;
        std::string_view before = rest.substr(0, digits);
        if (digits == rest.size() || before.empty())
            break;
        if (before.ends_with("_ID") || before.ends_with("-ID"))
            before.remove_suffix(2);
        if (!before.ends_with('_') && !before.ends_with('-'))
            break;
        before.remove_suffix(1);
        if (before.empty())
            break;
        rest = before;
    }
    auto const dot = rest.rfind('.');
    return std::string{dot == std::string_view::npos || dot + 1 == rest.size() ? rest : rest.substr(dot + 1)};
}

/// Makes an instance of the text of a WfFormat 1.5 file, after checking all that the schedule depends on.
/// What else the format has, such as files and machines, is passed over.
class wf_reader {
public:
    explicit wf_reader(std::string_view text) : document_(parse(text)) // braces would make a list of it
    {
        tasker::sha256 hash;
        hash.append(text);
        result_.fingerprint = hash.finish();
    }

    /// Throws bad_file.
    instance read()
    {
        json_place const root{document_};
        check_version(root);
        json_place const workflow = root.at("workflow");
        json_place const listed = workflow.at("specification").at("tasks");
        auto const tasks = listed.items();
        if (tasks.empty())
            listed.fail("there are no tasks; a workflow needs at least one");
        for (json_place const& one : tasks)
            read_task(one);
        auto const parents = read_relation(tasks, "parents");
        auto const children = read_relation(tasks, "children");
        for (auto const& [edge, place] : parents)
            check_agreement(children, edge, place, edge.parent, "children", edge.child);
        for (auto const& [edge, place] : children)
            check_agreement(parents, edge, place, edge.child, "parents", edge.parent);
        read_runtimes(workflow);
        connect(parents, listed);
        return std::move(result_);
    }

private:
    using relation = std::map<tasker::edge, std::string>; ///< edges, each with the path of its mention

    static constexpr double longest_runtime = 366.0 * 24 * 3600;

    static boost::json::value parse(std::string_view text)
    {
        boost::json::error_code problem;
        boost::json::stream_parser parser;
        std::size_t const read = parser.write_some(text.data(), text.size(), problem);
        if (!problem && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
            problem = boost::json::error::extra_data;
        if (!problem)
            parser.finish(problem);
        if (!problem)
            return parser.release();
        std::string_view const before = text.substr(0, read);
        auto const line = std::count(before.begin(), before.end(), '\n') + 1;
        auto const column = read - (before.rfind('\n') + 1) + 1; // npos + 1 is 0: the first line
        std::string const place = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
        if (problem == boost::json::error::incomplete)
            throw bad_file{place + "the file ends here, in the middle of its JSON; it was cut off, so fetch it again"};
        throw bad_file{place + "this is not JSON (" + problem.message() + "); correct it there"};
    }

    static void check_version(json_place const& root)
    {
        json_place const version = root.at("schemaVersion");
        if (auto const found = version.text(); found != "1.5")
            version.fail("this is WfFormat " + in_quotes(found) +
                         ", and wfrun reads \"1.5\" alone; convert the file, or get it in that version");
    }

    void read_task(json_place const& place)
    {
        json_place const where = place.at("id");
        std::string id = where.text();
        if (id.empty() || id.size() > 128)
            where.fail("an id has 1 to 128 characters, this one has " + std::to_string(id.size()) +
                       "; rename the task");
        auto const [known, is_new] = numbers_.emplace(id, static_cast<tasker::step_no>(result_.tasks.size()));
        if (!is_new)
            where.fail(in_quotes(id) + " is the id of " + places_[known->second] +
                       " already; give each task an id of its own");
        std::string const name = place.has("name") ? place.at("name").text() : id;
        result_.tasks.push_back({std::move(id), category_of(name), {}});
        places_.push_back(place.path());
    }

    /// The edges that the lists called `member` name.
    relation read_relation(std::vector<json_place> const& tasks, std::string_view member) const
    {
        relation found;
        for (tasker::step_no no = 0; no < tasks.size(); ++no)
            for (json_place const& place : tasks[no].at(member).items()) {
                auto const other = numbers_.find(place.text());
                if (other == numbers_.end())
                    place.fail("the task " + in_quotes(result_.tasks[no].id) + " names " + in_quotes(place.text()) +
                               " among its " + std::string{member} +
                               ", and no task has that id; correct the id, or add the task");
                auto const [parent, child] =
                    member == "parents" ? std::pair{other->second, no} : std::pair{no, other->second};
                found.emplace(tasker::edge{parent, child}, place.path());
            }
        return found;
    }

    /// `edge`, which `place` mentions, must stand in the `list` of `task` as well, under the id of `other`.
    void check_agreement(relation const& mentioned, tasker::edge edge, std::string const& place, tasker::step_no task,
                         std::string_view list, tasker::step_no other) const
    {
        if (mentioned.contains(edge))
            return;
        throw bad_file{place + ": here the task " + in_quotes(id_of(edge.child)) + " comes after " +
                       in_quotes(id_of(edge.parent)) + ", but " + places_[task] + '.' + std::string{list} + " of " +
                       in_quotes(id_of(task)) + " does not name " + in_quotes(id_of(other)) + "; make the two agree"};
    }

    void read_runtimes(json_place const& workflow)
    {
        if (!workflow.has("execution"))
            workflow.fail("\"execution\" is missing, and without it nobody knows how long the tasks run; choose the "
                          "file of a workflow that was executed");
        json_place const entries = workflow.at("execution").at("tasks");
        std::map<tasker::step_no, std::string> seen;
        for (json_place const& entry : entries.items()) {
            json_place const where = entry.at("id");
            auto const task = numbers_.find(where.text());
            if (task == numbers_.end())
                where.fail(in_quotes(where.text()) + " is no task of workflow.specification.tasks; correct the id, or "
                                                     "remove the entry");
            auto const [first, is_new] = seen.emplace(task->second, entry.path());
            if (!is_new)
                where.fail(in_quotes(task->first) + " has an entry already, " + first->second + "; keep one of them");
            result_.tasks[task->second].runtime = runtime_in(entry.at("runtimeInSeconds"), task->first);
        }
        for (tasker::step_no no = 0; no < result_.tasks.size(); ++no)
            if (!seen.contains(no))
                entries.fail("there is no entry for the task " + in_quotes(id_of(no)) + " (" + places_[no] +
                             "); add one with its runtimeInSeconds");
    }

    static tasker::duration runtime_in(json_place const& place, std::string const& id)
    {
        double const seconds = place.number();
        if (!std::isfinite(seconds) || seconds < 0 || seconds > longest_runtime) {
            char text[32];
            std::snprintf(text, sizeof text, "%g", seconds);
            place.fail("the task " + in_quotes(id) + " cannot have run for " + text +
                       " seconds; it takes a number from 0 to 31622400, which is a year");
        }
        return tasker::duration{std::llround(seconds * 1e6)};
    }

    void connect(relation const& edges, json_place const& listed)
    {
        std::vector<tasker::step_definition> steps;
        for (wf_task const& one : result_.tasks)
            steps.push_back({one.id, {}});
        std::vector<tasker::edge> arrows;
        for (auto const& [edge, place] : edges)
            arrows.push_back(edge);
        try {
            result_.shape = tasker::graph{std::move(steps), std::move(arrows)};
        } catch (tasker::error const& cycle) {
            listed.fail(std::string{cycle.what()} +
                        "; none of these tasks could ever start, so remove one of the edges");
        }
    }

    std::string const& id_of(tasker::step_no no) const { return result_.tasks[no].id; }

    boost::json::value document_;
    instance result_;
    std::map<std::string, tasker::step_no> numbers_; ///< by id
    std::vector<std::string> places_;                ///< by task
};

/// Reads a WfFormat 1.5 file. Throws bad_file, which names the file and the place.
inline instance read_instance(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    if (!in || std::filesystem::is_directory(file))
        throw bad_file{file.string() + ": there is no such file that can be read; name a WfFormat 1.5 file"};
    std::string const text{std::istreambuf_iterator<char>{in}, {}};
    try {
        instance read = wf_reader{text}.read();
        read.name = file.stem().string();
        return read;
    } catch (bad_file const& problem) {
        throw bad_file{file.string() + ": " + problem.what() + '.'};
    }
}

} // namespace wfrun
