// sentinel: which server of a replicated set is the master now, asked of its Sentinels.
//
// A failover loses what had not been copied yet; that is a Redis that was rewound, and the
// scheduler's reconcile restores it (design.md 4). Here only the address is found; who connects
// checks the role. Private to common/redis.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/redis/byte_stream.h"
#include "common/redis/endpoint.h"
#include "common/redis/reply.h"

namespace photoscribe::redis {

/// `set` as a plain endpoint of the server in a Sentinel's answer to SENTINEL
/// GET-MASTER-ADDR-BY-NAME: ["host", "port"]. redis_refused: the Sentinel knows no such service, or
/// refuses the login; redis_unavailable: it cannot say now.
[[nodiscard]] Expected<Endpoint> master_in(ReplyView answer, const Endpoint& set);

/// Asks Sentinel number `which` of `set` over `stream`, which is open at it afterwards. Both must
/// outlive the call; whoever holds the stream ends it when time is up.
[[nodiscard]] boost::asio::awaitable<Expected<Endpoint>> ask_sentinel(ByteStream& stream,
                                                                      const Endpoint& set,
                                                                      std::size_t which);

}  // namespace photoscribe::redis
