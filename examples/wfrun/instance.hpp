#pragma once

#include <tasker/base/time.hpp>
#include <tasker/model/graph.hpp>

#include <string>
#include <vector>

namespace wfrun {

/// One task of an instance; its number is that of its step in the shape.
struct wf_task {
    std::string id;
    std::string category; ///< what tasks of one program share
    tasker::duration runtime{};
};

/// What scheduling needs of a WfFormat file: a recorded execution of a workflow.
struct instance {
    std::string name;        ///< of the file
    std::string fingerprint; ///< of the file's content, in hexadecimal digits
    std::vector<wf_task> tasks;
    tasker::graph shape;

    /// What one worker would need.
    tasker::duration work() const
    {
        tasker::duration sum{};
        for (wf_task const& one : tasks)
            sum += one.runtime;
        return sum;
    }
};

} // namespace wfrun
