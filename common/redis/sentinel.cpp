#include "common/redis/sentinel.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "common/redis/command.h"
#include "common/redis/errors.h"
#include "common/redis/parser.h"

namespace photoscribe::redis {

namespace asio = boost::asio;

namespace {

std::string place_of(const HostPort& sentinel) {
  return "sentinel " + sentinel.host + ":" + std::to_string(sentinel.port);
}

/// The next reply; fails when the stream ends first.
asio::awaitable<Expected<Reply>> next_reply(ByteStream& stream, Parser& parser,
                                            const HostPort& from) {
  std::array<char, 4'096> chunk{};
  while (true) {
    Expected<std::optional<Reply>> reply = parser.next();
    if (!reply) co_return fail(reply.error());
    if (*reply) co_return std::move(**reply);
    boost::system::error_code failed;
    const std::size_t size = co_await stream.read_some(chunk, failed);
    if (failed) {
      co_return fail(Errc::redis_unavailable,
                     place_of(from) + ": connection lost: " + failed.message());
    }
    parser.feed(std::string_view(chunk.data(), size));
  }
}

}  // namespace

Expected<Endpoint> master_in(ReplyView answer, const Endpoint& set) {
  if (answer.is_error()) return fail(error_of_reply(answer.text(), "SENTINEL"));
  if (answer.is_nil() || (answer.is_array() && answer.size() == 0)) {
    return fail(Errc::redis_refused, "SENTINEL: no service called \"" + set.service +
                                         "\" there; name it as in sentinel.conf (sentinel monitor "
                                         "NAME …)");
  }
  Endpoint master = set;
  master.sentinels.clear();
  master.service.clear();
  master.host = answer[0].text();
  const std::string_view port = answer[1].text();
  std::uint16_t number = 0;
  const auto [stop, wrong] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (master.host.empty() || wrong != std::errc{} || stop != port.data() + port.size() ||
      number == 0) {
    return fail(Errc::redis_unavailable, "SENTINEL: an answer that is not a host and a port");
  }
  master.port = number;
  return master;
}

asio::awaitable<Expected<Endpoint>> ask_sentinel(ByteStream& stream, const Endpoint& set,
                                                 std::size_t which) {
  const HostPort& sentinel = set.sentinels.at(which);
  Endpoint place = set;
  place.sentinels.clear();
  place.host = sentinel.host;
  place.port = sentinel.port;
  const Status open = co_await stream.open(place);
  if (!open) co_return fail(open.error());
  std::string request;
  if (!set.sentinel_password.empty()) {
    Command auth("AUTH");
    auth << set.sentinel_password;
    auth.write_to(request);
  }
  const Command question{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", set.service};
  question.write_to(request);
  const boost::system::error_code unsent = co_await stream.write(request);
  if (unsent) {
    co_return fail(Errc::redis_unavailable,
                   place_of(sentinel) + ": connection lost: " + unsent.message());
  }
  Parser parser;
  if (!set.sentinel_password.empty()) {
    const Expected<Reply> in = co_await next_reply(stream, parser, sentinel);
    if (!in) co_return fail(in.error());
    if (in->is_error()) {
      const std::string operation = "log in to " + place_of(sentinel);
      co_return fail(error_of_reply(in->text(), operation));
    }
  }
  const Expected<Reply> answer = co_await next_reply(stream, parser, sentinel);
  if (!answer) co_return fail(answer.error());
  co_return master_in(*answer, set);
}

}  // namespace photoscribe::redis
