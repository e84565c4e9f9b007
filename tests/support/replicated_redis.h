// replicated_redis: a master, a replica and Sentinels that watch them: real processes on 127.0.0.1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/redis_server.h"

namespace photoscribe::test {

/// Ready when the replica follows and every Sentinel knows of it. A master that does not answer for
/// 300 ms is down; all Sentinels but one must agree.
class ReplicatedRedis {
 public:
  explicit ReplicatedRedis(int sentinels = 1);

  /// "redis+sentinel://127.0.0.1:…,…/photos"
  [[nodiscard]] std::string url() const;
  RedisServer& first() { return *first_; }    // the master at the start
  RedisServer& second() { return *second_; }  // its replica
  RedisServer& sentinel(std::size_t which) { return *sentinels_.at(which); }

 private:
  std::unique_ptr<RedisServer> first_, second_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

}  // namespace photoscribe::test
