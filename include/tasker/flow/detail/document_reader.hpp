#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/detail/json_read.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tasker::detail {

/// A value of a document that a person wrote, and its place there: whatever is wrong is said with the place.
/// Lifetime: the document must outlive it.
class document_reader {
public:
    explicit document_reader(boost::json::value const& value, std::string place = {})
        : value_{&value}, place_{std::move(place)}
    {
    }

    boost::json::value const& value() const noexcept { return *value_; }

    [[noreturn]] void fail(std::string const& what) const
    {
        throw error{errc::invalid_definition, (place_.empty() ? "the document" : place_) + ": " + what};
    }

    /// Refuses every member of the object but these, so that no misspelt one is silently without effect.
    void allow_only(std::initializer_list<std::string_view> known) const
    {
        for (auto const& member : object()) {
            if (std::find(known.begin(), known.end(), std::string_view{member.key()}) != known.end())
                continue;
            std::string all;
            for (std::string_view const one : known)
                all += (all.empty() ? "" : ", ") + std::string{one};
            fail("\"" + std::string{member.key()} + "\" is not known here; known are " + all);
        }
    }

    /// The member called `name`, or nothing.
    std::optional<document_reader> find(std::string_view name) const
    {
        auto const* member = object().if_contains(name);
        if (member == nullptr)
            return std::nullopt;
        return document_reader{*member, place_.empty() ? std::string{name} : place_ + '.' + std::string{name}};
    }

    document_reader at(std::string_view name) const
    {
        auto const member = find(name);
        if (!member)
            fail("\"" + std::string{name} + "\" is missing");
        return *member;
    }

    std::vector<document_reader> items() const
    {
        auto const* array = value_->if_array();
        if (array == nullptr)
            refuse_kind("an array");
        std::vector<document_reader> all;
        for (std::size_t at = 0; at < array->size(); ++at)
            all.emplace_back((*array)[at], place_ + '[' + std::to_string(at) + ']');
        return all;
    }

    std::string text() const
    {
        if (!value_->is_string())
            refuse_kind("a string");
        return std::string{value_->get_string()};
    }

    bool boolean() const
    {
        if (!value_->is_bool())
            refuse_kind("true or false");
        return value_->get_bool();
    }

    template <class Number>
    Number number() const
    {
        if (!value_->is_number())
            refuse_kind("a number");
        boost::json::error_code problem;
        auto const number = value_->to_number<Number>(problem);
        if (problem)
            fail("the number must be whole and not so large");
        return number;
    }

private:
    boost::json::object const& object() const
    {
        auto const* members = value_->if_object();
        if (members == nullptr)
            refuse_kind("an object");
        return *members;
    }

    [[noreturn]] void refuse_kind(std::string const& wanted) const
    {
        fail("expected " + wanted + ", got " + kind_text(*value_));
    }

    boost::json::value const* value_;
    std::string place_;
};

/// Throws `error{invalid_definition}` with line and column when `text` is not JSON.
inline boost::json::value parse_document(std::string_view text)
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
    throw error{errc::invalid_definition, "the document is not JSON: line " + std::to_string(line) + ", column " +
                                              std::to_string(column) + ": " + problem.message()};
}

} // namespace tasker::detail
