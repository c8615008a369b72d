#pragma once

#include <tasker/base/config.hpp>
#include <tasker/model/graph.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tasker {

/// A semantic version (semver.org 2.0.0), `major.minor.patch` with an optional `-pre.release`; ordered as semver says.
struct semantic_version {
    std::array<std::uint32_t, 3> numbers{}; ///< major, minor, patch
    std::string pre_release;                ///< identifiers with dots between; empty: a release

    friend bool operator==(semantic_version const&, semantic_version const&) = default;
    /// Precedence after semver 2.0.0, section 11.
    friend std::strong_ordering operator<=>(semantic_version const& a, semantic_version const& b);

    /// The version that `text` spells, or nothing. Build metadata (`+...`) is accepted, and takes no part in the order.
    static std::optional<semantic_version> parse(std::string_view text);
};

/// The identity of a workflow: namespace, name and semantic version. Full name: `shop/fulfil-order@1.0.0`.
struct workflow_key {
    std::string name_space = "default"; ///< keeps names of different owners apart
    std::string name;                   ///< of the workflow, within its namespace
    std::string version = "0.1.0";      ///< a semantic version

    friend auto operator<=>(workflow_key const&, workflow_key const&) = default;
};

/// The full name, `shop/fulfil-order@1.0.0`.
TASKER_INLINE std::string to_text(workflow_key const& key);

/// How the steps and edges of `now` differ from those of `before`, in a sentence, or nothing when the shape is the same.
/// Options (retries, timeouts, priorities) are not part of the shape.
TASKER_INLINE std::optional<std::string> shape_difference(graph const& before, graph const& now);

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/model/workflow_key.ipp>
#endif
