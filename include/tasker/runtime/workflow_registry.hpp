#pragma once

#include <tasker/base/error.hpp>
#include <tasker/runtime/task_run.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tasker {

/// The workflows an engine can run, by namespace, name and version. Belongs to the strand.
template <class Lazy>
class basic_workflow_registry {
public:
    void add(std::shared_ptr<registered_workflow> workflow)
    {
        workflow_key const& key = workflow->flow.key();
        by_id_[workflow->id] = workflow;
        by_name_[{key.name_space, key.name}].insert_or_assign(*semantic_version::parse(key.version), std::move(workflow));
    }

    std::shared_ptr<registered_workflow> find(workflow_id id) const
    {
        auto const at = by_id_.find(id);
        return at == by_id_.end() ? nullptr : at->second;
    }

    /// `shop/fulfil-order` (the latest version), `shop/fulfil-order@1.0.0`, or `fulfil-order` in the namespace `default`.
    std::shared_ptr<registered_workflow> find(std::string_view full_name) const
    {
        auto const at_sign = full_name.find('@');
        auto const slash = full_name.find('/');
        std::string_view const path = full_name.substr(0, at_sign);
        std::string const name_space{slash == std::string_view::npos ? "default" : path.substr(0, slash)};
        std::string const name{slash == std::string_view::npos ? path : path.substr(slash + 1)};
        auto const named = by_name_.find({name_space, name});
        if (named == by_name_.end())
            throw error{errc::unknown_workflow, "no workflow named \"" + name + "\" in namespace \"" + name_space +
                                                    "\" is registered" + known_names()};
        if (at_sign == std::string_view::npos)
            return named->second.rbegin()->second;
        auto const version = semantic_version::parse(full_name.substr(at_sign + 1));
        auto const found = version ? named->second.find(*version) : named->second.end();
        if (found == named->second.end())
            throw error{errc::unknown_workflow, "workflow \"" + name + "\" in namespace \"" + name_space + "\" has no version \"" +
                                                    std::string{full_name.substr(at_sign + 1)} + "\"; registered: " +
                                                    known_versions(named->second)};
        return found->second;
    }

private:
    using versions = std::map<semantic_version, std::shared_ptr<registered_workflow>>;

    std::string known_names() const
    {
        if (by_name_.empty())
            return "; none is: call engine.add first";
        std::string text;
        for (auto const& [name, all] : by_name_)
            text += (text.empty() ? "; registered: " : ", ") + name.first + '/' + name.second;
        return text;
    }

    static std::string known_versions(versions const& all)
    {
        std::string text;
        for (auto const& [version, workflow] : all)
            text += (text.empty() ? "" : ", ") + workflow->flow.key().version;
        return text;
    }

    std::map<std::pair<std::string, std::string>, versions> by_name_;
    std::map<workflow_id, std::shared_ptr<registered_workflow>> by_id_;
};
using workflow_registry = basic_workflow_registry<void>;

} // namespace tasker
