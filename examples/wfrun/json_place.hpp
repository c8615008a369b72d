#pragma once

#include <boost/json/array.hpp>
#include <boost/json/kind.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wfrun {

/// A file that cannot be run; what() names the place, what is wrong there, and what to do.
class bad_file : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

inline std::string in_quotes(std::string_view text) { return '"' + std::string{text} + '"'; }

/// A value of a JSON document together with its path, such as `workflow.specification.tasks[3].id`.
/// Lifetime: the document must outlive it.
class json_place {
public:
    explicit json_place(boost::json::value const& value, std::string path = {}) : value_{&value}, path_{std::move(path)}
    {
    }

    std::string const& path() const noexcept { return path_; }

    [[noreturn]] void fail(std::string const& what) const
    {
        throw bad_file{(path_.empty() ? "the document" : path_) + ": " + what};
    }

    json_place at(std::string_view member) const
    {
        auto const* found = object().if_contains(member);
        if (found == nullptr)
            fail(in_quotes(member) + " is missing; WfFormat 1.5 needs it here, so complete the file");
        return json_place{*found, path_of(member)};
    }

    bool has(std::string_view member) const { return object().contains(member); }

    std::vector<json_place> items() const
    {
        if (!value_->is_array())
            refuse_kind("a list");
        std::vector<json_place> all;
        for (boost::json::value const& one : value_->get_array())
            all.emplace_back(one, path_ + '[' + std::to_string(all.size()) + ']');
        return all;
    }

    std::string text() const
    {
        if (!value_->is_string())
            refuse_kind("a text in quotes");
        return std::string{value_->get_string()};
    }

    double number() const
    {
        if (!value_->is_number())
            refuse_kind("a number");
        return value_->to_number<double>();
    }

private:
    boost::json::object const& object() const
    {
        if (!value_->is_object())
            refuse_kind("an object");
        return value_->get_object();
    }

    std::string path_of(std::string_view member) const
    {
        return path_ + (path_.empty() ? "" : ".") + std::string{member};
    }

    [[noreturn]] void refuse_kind(std::string const& wanted) const
    {
        fail("this must be " + wanted + ", but is of the JSON kind " + std::string{to_string(value_->kind())} +
             "; correct it");
    }

    boost::json::value const* value_;
    std::string path_;
};

} // namespace wfrun
