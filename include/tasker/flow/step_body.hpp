#pragma once

#include <tasker/base/payload.hpp>
#include <tasker/flow/async.hpp>
#include <tasker/flow/step_context.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <span>
#include <variant>

namespace tasker {

/// The payloads a body is called with, in the order of its arguments. They stay valid until the body has ended.
using step_arguments = std::span<payload const>;

/// A body that returns its result, or throws.
using plain_body = std::function<payload(step_context&, step_arguments)>;
/// A body that is a `tasker::async`.
using async_body = std::function<async<payload>(step_context&, step_arguments)>;
/// A body that is an `asio::awaitable`.
using awaitable_body = std::function<boost::asio::awaitable<payload>(step_context&, step_arguments)>;

/// A step's body without its types: behind this door all is ordinary code.
using step_body = std::variant<plain_body, async_body, awaitable_body>;

} // namespace tasker
