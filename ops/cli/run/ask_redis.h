// ask_redis: one query to a Redis server, synchronously.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/async/rethrow.h"
#include "common/core/error.h"
#include "common/redis/connection.h"
#include "common/redis/endpoint.h"

namespace photoscribe::cli {

/// The result of `ask(connection)`, an awaitable<Expected<T>>, for the server at `url`, with its
/// password from the environment. `ask` connects; its arguments live until it has ended.
template <class T, class Ask>
[[nodiscard]] Expected<T> ask_redis(const std::string& url, Ask ask) {
  Expected<redis::Endpoint> endpoint = redis::parse_endpoint(url);
  if (!endpoint) return fail(endpoint.error());
  if (const Status taken = redis::take_password_from_environment(*endpoint); !taken) {
    return fail(taken.error());
  }
  boost::asio::io_context io{1};
  redis::Connection connection(io.get_executor(), *endpoint);
  Expected<T> answer = fail(Errc::redis_unavailable, url + ": no answer");
  boost::asio::co_spawn(io, ask(connection),
                        [&](const std::exception_ptr& thrown, Expected<T> got) {
                          rethrow(thrown);
                          answer = std::move(got);
                        });
  io.run();
  return answer;
}

}  // namespace photoscribe::cli
