#pragma once

#include <tasker/base/error.hpp>
#include <tasker/model/detail/json_read.hpp>

#include <boost/json/kind.hpp>

#include <string>

namespace tasker::detail {

TASKER_INLINE std::string json_path::text() const
{
    if (parent_ == nullptr)
        return "";
    std::string const before = parent_->text();
    if (member_.empty())
        return before + '[' + std::to_string(index_) + ']';
    return before.empty() ? std::string{member_} : before + '.' + std::string{member_};
}

TASKER_INLINE void json_path::fail(std::string const& what) const
{
    std::string const place = text();
    throw error{errc::bad_payload, place.empty() ? what : place + ": " + what};
}

TASKER_INLINE std::string kind_text(boost::json::value const& value)
{
    switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "a boolean";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "a number";
    case boost::json::kind::string: return "a string";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: break;
    }
    return "an object";
}

TASKER_INLINE void expected(std::string const& wanted, boost::json::value const& got, json_path const& path)
{
    path.fail("expected " + wanted + ", got " + kind_text(got));
}

} // namespace tasker::detail
