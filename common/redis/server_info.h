// server_info: what INFO says about a server, and whether it may hold a run.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "common/redis/connection.h"

namespace photoscribe::redis {

struct ServerInfo {
  std::string run_id;   // changes with each start of the server
  std::string version;  // redis_version, e.g. "7.0.15"; Valkey reports a compatible one
  std::string role;     // "master" or "slave"
  bool loading = false;
  bool cluster = false;
  std::int64_t used_memory = 0;  // bytes
  std::int64_t maxmemory = 0;    // bytes; 0: no limit
  std::string maxmemory_policy;  // "noeviction", …
  bool persistent = false;       // AOF on (saves are ignored)
};

/// Pure: reads the text of INFO; fields that are missing keep their defaults.
[[nodiscard]] ServerInfo parse_server_info(std::string_view info);

/// INFO over an open connection.
[[nodiscard]] asio::awaitable<Expected<ServerInfo>> read_server_info(Connection& connection);

/// Whether we can work with it at all, whatever its memory: as check_server() without the eviction
/// policy.
[[nodiscard]] Status check_kind(const ServerInfo& info);

/// Whether tasks may live there. redis_refused, with what to do, for: an eviction policy other than
/// noeviction together with a memory limit, Cluster, older than 6.2. redis_unavailable: a replica
/// or a server that is loading, which may pass.
[[nodiscard]] Status check_server(const ServerInfo& info);

}  // namespace photoscribe::redis
