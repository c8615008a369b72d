#pragma once

#include <tasker/base/error.hpp>
#include <tasker/flow/detail/typed_body.hpp>
#include <tasker/flow/input_schema.hpp>
#include <tasker/flow/workflow.hpp>
#include <tasker/flow/workflow_builder.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tasker {

TASKER_INLINE workflow_builder::workflow_builder(std::string name_space, std::string name, std::string version)
    : identity_{std::make_unique<char>()}
{
    definition_.key = {std::move(name_space), std::move(name), std::move(version)};
    definition_.full_name = to_text(definition_.key);
    check_key();
}

TASKER_INLINE void workflow_builder::schema(input_schema rules)
{
    definition_.takes_input = true;
    schema_ = std::move(rules);
}

TASKER_INLINE void workflow_builder::event(std::string name, std::string description)
{
    definition_.events.push_back({std::move(name), std::move(description)});
}

TASKER_INLINE void workflow_builder::coroutine(workflow_body body)
{
    definition_.coroutine = std::move(body);
}

TASKER_INLINE workflow workflow_builder::build() &&
{
    if (definition_.coroutine && !steps_.empty())
        refuse("it is a coroutine, and has step \"" + steps_.front().name + "\" besides; a coroutine's steps are those that it awaits");
    resolve_names();
    definition_.shape = make_shape();
    if (!definition_.output)
        definition_.output = only_sink();
    if (schema_ || decode_input_)
        definition_.accept_input = [schema = std::move(schema_), decode = std::move(decode_input_)](payload const& given) {
            payload const filled = schema ? schema->apply(given) : given;
            return decode ? decode(filled) : filled;
        };
    return workflow{std::move(definition_)};
}

TASKER_INLINE void workflow_builder::refuse(std::string const& what) const
{
    throw error{errc::invalid_definition, "workflow " + definition_.full_name + ": " + what};
}

TASKER_INLINE void workflow_builder::check_key() const
{
    auto const& key = definition_.key;
    auto const plain = [](std::string_view text) {
        return !text.empty() && text.size() <= 128 && std::none_of(text.begin(), text.end(), [](char c) {
            return c == '/' || c == '@' || c == '\x7f' || (c >= '\0' && c < ' ');
        });
    };
    if (!plain(key.name_space) || !plain(key.name))
        refuse("a namespace and a name have 1 to 128 characters, none of them '/', '@' or a control character");
    if (key.version.find('+') != std::string::npos)
        refuse("the version \"" + key.version + "\" has build metadata, which does not order versions; leave it out");
    if (!semantic_version::parse(key.version))
        refuse("\"" + key.version + "\" is not a semantic version; write major.minor.patch, such as 1.0.0");
}

TASKER_INLINE void workflow_builder::check_own(argument_source const& source, std::string const& where) const
{
    if (source.builder != identity_.get())
        refuse(where + " names a step or input of another workflow_builder");
}

TASKER_INLINE argument_source workflow_builder::add(std::string name, step_options const& options, step_body body, std::vector<argument_source> sources)
{
    auto const is_control = [](char c) { return c == '\x7f' || (c >= '\0' && c < ' '); };
    if (name.empty() || name.size() > 128 || std::any_of(name.begin(), name.end(), is_control))
        refuse("a step's name has 1 to 128 characters, none of them a control character, got \"" + name + "\"");
    if (auto const problem = problem_of(options))
        refuse("step \"" + name + "\": " + *problem);
    if (options.durability == durability::volatile_)
        refuse("step \"" + name + "\" is volatile, which only those of a coroutine can be: its children start when it is recorded");
    if (!by_name_.emplace(name, static_cast<step_no>(steps_.size())).second)
        refuse("there are two steps named \"" + name + "\"");
    steps_.push_back({std::move(name), options});
    definition_.bodies.push_back(std::move(body));
    definition_.arguments.push_back(std::move(sources));
    return {identity_.get(), static_cast<step_no>(steps_.size() - 1)};
}

TASKER_INLINE void workflow_builder::resolve_names()
{
    for (auto const& [child, parents] : named_parents_)
        for (std::string const& name : parents) {
            auto const parent = by_name_.find(name);
            if (parent == by_name_.end())
                refuse("step \"" + steps_[child].name + "\" depends on \"" + name + "\", which is no step of this workflow");
            edges_.push_back({parent->second, child});
            definition_.arguments[child].push_back({identity_.get(), parent->second});
        }
}

TASKER_INLINE graph workflow_builder::make_shape()
{
    try {
        return graph{std::move(steps_), std::move(edges_)};
    } catch (error const& problem) {
        refuse(problem.what());
    }
}

TASKER_INLINE std::optional<step_no> workflow_builder::only_sink() const
{
    std::optional<step_no> sink;
    for (step_no no = 0; no < definition_.shape.size(); ++no)
        if (definition_.shape.children(no).empty()) {
            if (sink)
                return std::nullopt;
            sink = no;
        }
    return sink;
}

} // namespace tasker
