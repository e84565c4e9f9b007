#include "common/redis/server_info.h"

#include <charconv>
#include <utility>

namespace photoscribe::redis {
namespace {

std::int64_t to_number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// "7.0.15" -> {7, 0}
std::pair<std::int64_t, std::int64_t> major_minor(std::string_view version) {
  const auto dot = version.find('.');
  return {to_number(version),
          dot == std::string_view::npos ? 0 : to_number(version.substr(dot + 1))};
}

void take(ServerInfo& info, std::string_view name, std::string_view value) {
  if (name == "run_id") info.run_id = value;
  if (name == "redis_version") info.version = value;
  if (name == "role") info.role = value;
  if (name == "loading") info.loading = value != "0";
  if (name == "cluster_enabled") info.cluster = value != "0";
  if (name == "used_memory") info.used_memory = to_number(value);
  if (name == "maxmemory") info.maxmemory = to_number(value);
  if (name == "maxmemory_policy") info.maxmemory_policy = value;
  if (name == "aof_enabled") info.persistent = value != "0";
}

}  // namespace

ServerInfo parse_server_info(std::string_view text) {
  ServerInfo info;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      take(info, line.substr(0, colon), line.substr(colon + 1));
    }
  }
  return info;
}

asio::awaitable<Expected<ServerInfo>> read_server_info(Connection& connection) {
  Command command("INFO");
  Expected<Reply> reply = co_await connection.call(std::move(command));
  if (!reply) co_return fail(reply.error());
  co_return parse_server_info(reply->text());
}

Status check_kind(const ServerInfo& info) {
  if (info.loading) return fail(Errc::redis_unavailable, "redis: is still loading its data");
  if (info.role == "slave" || info.role == "replica") {
    return fail(Errc::redis_unavailable,
                "redis: is a replica and takes no writes; give the URL of the primary");
  }
  if (major_minor(info.version) < std::pair<std::int64_t, std::int64_t>(6, 2)) {
    return fail(Errc::redis_refused, "redis: version " + info.version +
                                         " is too old; photoscribe needs Redis 6.2 or later, or "
                                         "Valkey");
  }
  if (info.cluster) {
    return fail(
        Errc::redis_refused,
        "redis: runs in cluster mode, which photoscribe does not support; use a server of its own");
  }
  return {};
}

Status check_server(const ServerInfo& info) {
  if (Status kind = check_kind(info); !kind) return kind;
  if (info.maxmemory > 0 && info.maxmemory_policy != "noeviction") {
    return fail(Errc::redis_refused,
                "redis: has a memory limit and evicts keys (" + info.maxmemory_policy +
                    "), so it may drop a run's tasks; set maxmemory-policy noeviction "
                    "(CONFIG SET maxmemory-policy noeviction, and in redis.conf)");
  }
  return {};
}

}  // namespace photoscribe::redis
