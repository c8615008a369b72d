#pragma once

#include <tasker/flow/detail/typed_body.hpp>
#include <tasker/model/codec.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <utility>

namespace tasker::detail {

TASKER_INLINE named_decoder::arguments_type named_decoder::operator()(step_arguments encoded) const
{
    boost::json::object parents;
    for (std::size_t at = 0; at < names.size(); ++at)
        parents[names[at]] = codec<boost::json::value>::decode(encoded[at]);
    return {std::move(parents)};
}

} // namespace tasker::detail
