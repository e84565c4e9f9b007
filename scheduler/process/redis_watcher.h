// redis_watcher: the small process that keeps a private redis-server from outliving us.
//
// The watcher is our child and the server's parent. It waits for two things: the end of a pipe that
// we alone hold open (we are gone: kill the server, remove its socket folder), or the server's own
// end. After fork() it calls only what POSIX allows in a copy of a program with threads.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/core/error.h"
#include "common/core/file_descriptor.h"

namespace photoscribe {

struct RedisLaunch {
  std::string executable;  // full path
  std::string folder;      // where redis.sock comes to be; removed when everything has ended
  std::string log_file;
};

struct WatchedRedis {
  pid_t watcher = -1;
  pid_t server = -1;
  FileDescriptor life_write;  // closing it ends both
};

/// Forks the watcher, which starts the server. Fails with environment (no log, no pipe, no fork).
/// A server that cannot be executed or ends at once shows as a watcher that has ended.
[[nodiscard]] Expected<WatchedRedis> launch_watched_redis(const RedisLaunch& launch);

}  // namespace photoscribe
