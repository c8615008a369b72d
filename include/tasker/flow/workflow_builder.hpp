#pragma once

#include <tasker/base/config.hpp>
#include <tasker/base/error.hpp>
#include <tasker/flow/detail/typed_body.hpp>
#include <tasker/flow/input_schema.hpp>
#include <tasker/flow/workflow.hpp>

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

/// Declares a workflow, step by step. Edges are handles of earlier steps, so a typo, a cycle or a type that does not fit
/// does not compile; edges given by name (`after_named`) are checked by `build`, for graphs that are loaded from data.
/// Everything wrong is an `error{invalid_definition}` that names the step. Thread safety: none.
class workflow_builder {
public:
    /// Throws `error{invalid_definition}` unless the version is a semantic one and the names are not empty.
    workflow_builder(std::string name_space, std::string name, std::string version = "0.1.0");

    /// Declares that the workflow takes an input of this type, for any number of steps.
    template <class Input>
    input_handle<Input> input()
    {
        definition_.takes_input = true;
        decode_input_ = [](payload const& given) { return codec<Input>::encode(codec<Input>::decode(given)); };
        return {{identity_.get(), argument_source::from_input}};
    }

    /// Checks every input against a JSON schema and fills its defaults in, before it is stored.
    void schema(input_schema rules);

    /// A step without parents.
    template <class Body>
    auto step(std::string name, Body body, step_options const& options = {})
    {
        return step(std::move(name), edges<>{}, std::move(body), options);
    }

    /// A step that starts after `parents` and gets their results as arguments, behind an optional `step_context&`.
    template <class... Results, class Body>
    auto step(std::string name, edges<Results...> const& parents, Body body, step_options const& options = {})
    {
        using arguments = detail::without_void<Results...>;
        using traits = detail::call_traits<Body, arguments>;
        static_assert(traits::callable, "tasker: the step's body cannot be called with the results of the parents in after(...); "
                                        "check their number, order and types");
        if constexpr (traits::callable) {
            using returned = std::decay_t<decltype(traits::call(body, std::declval<step_context&>(), std::declval<arguments const&>()))>;
            std::vector<argument_source> sources;
            add_sources<Results...>(name, parents, sources);
            using decoder = typename detail::decoder_of<arguments>::type;
            return step_handle<typename detail::body_result<returned>::type>{
                add(std::move(name), options, detail::erase_body(std::move(body), decoder{}), std::move(sources))};
        } else {
            return step_handle<void>{};
        }
    }

    /// A step whose parents are known by name. Its body gets their results as one JSON object, by parent name, or nothing.
    template <class Body>
    step_handle<boost::json::value> step(std::string name, named_edges parents, Body body, step_options const& options = {})
    {
        using with_parents = detail::call_traits<Body, std::tuple<boost::json::object>>;
        using without_parents = detail::call_traits<Body, std::tuple<>>;
        static_assert(with_parents::callable || without_parents::callable,
                      "tasker: the body of a step with named parents takes (step_context&, boost::json::object const&), "
                      "either of them alone, or nothing");
        named_parents_.emplace_back(static_cast<step_no>(steps_.size()), parents.parents);
        if constexpr (with_parents::callable)
            return {add(std::move(name), options, detail::erase_body(std::move(body), detail::named_decoder{std::move(parents.parents)}), {})};
        else
            return {add(std::move(name), options, detail::erase_body(std::move(body), detail::typed_decoder<>{}), {})};
    }

    /// Names the step whose result is the workflow's. Otherwise it is the result of the only step without children, or,
    /// when there are several, a JSON object of theirs by step name.
    template <class Result>
    void returns(step_handle<Result> const& step)
    {
        check_own(step.source, "returns(...)");
        definition_.output = step.source.step;
    }

    /// Declares an event of your own that the steps publish, such as `order.shipped`. Checked when an engine adds the workflow.
    void event(std::string name, std::string description);

    /// The workflow is this coroutine instead of steps.
    void coroutine(workflow_body body);

    /// Checks everything that only shows now, and freezes the workflow.
    workflow build() &&;

private:
    [[noreturn]] void refuse(std::string const& what) const;
    void check_key() const;
    void check_own(argument_source const& source, std::string const& where) const;

    template <class... Results>
    void add_sources(std::string const& name, edges<Results...> const& parents, std::vector<argument_source>& sources)
    {
        bool const hands_over[] = {!std::is_void_v<Results>..., false};
        for (std::size_t at = 0; at < parents.sources.size(); ++at) {
            check_own(parents.sources[at], "after(...) of step \"" + name + "\"");
            if (parents.sources[at].step != argument_source::from_input)
                edges_.push_back({parents.sources[at].step, static_cast<step_no>(steps_.size())});
            if (hands_over[at])
                sources.push_back(parents.sources[at]);
        }
    }

    argument_source add(std::string name, step_options const& options, step_body body, std::vector<argument_source> sources);
    void resolve_names();
    graph make_shape();
    std::optional<step_no> only_sink() const;

    workflow_definition definition_;
    std::unique_ptr<char> identity_; ///< its address tells handles of builders apart
    std::vector<step_definition> steps_;
    std::vector<edge> edges_;
    std::unordered_map<std::string, step_no> by_name_;
    std::vector<std::pair<step_no, std::vector<std::string>>> named_parents_;
    std::optional<input_schema> schema_;
    std::function<payload(payload const&)> decode_input_;
};

} // namespace tasker

#if !TASKER_SEPARATE_COMPILATION
#include <tasker/flow/workflow_builder.ipp>
#endif
