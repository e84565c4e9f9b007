#include "tests/support/replicated_redis.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

namespace photoscribe::test {
namespace {

using Clock = std::chrono::steady_clock;

std::string local(std::uint16_t port) { return "127.0.0.1 " + std::to_string(port); }

void wait_for(const char* what, const std::function<bool()>& there) {
  const auto give_up = Clock::now() + std::chrono::seconds(10);
  while (!there()) {
    if (Clock::now() > give_up) throw std::runtime_error(std::string("no ") + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // another program's state
  }
}

}  // namespace

ReplicatedRedis::ReplicatedRedis(int sentinels) {
  RedisOptions options;
  options.tcp = true;
  options.directives = {"repl-diskless-sync-delay 0"};
  first_ = std::make_unique<RedisServer>(options);
  options.directives = {"replicaof " + local(first_->port()), "repl-timeout 5"};
  second_ = std::make_unique<RedisServer>(options);
  wait_for("replica", [this] {
    return second_->command({"INFO", "replication"}).find("master_link_status:up") !=
           std::string::npos;
  });
  options = {};
  options.sentinel = true;
  options.directives = {"sentinel monitor photos " + local(first_->port()) + " " +
                            std::to_string(std::max(1, sentinels - 1)),
                        "sentinel down-after-milliseconds photos 300",
                        "sentinel failover-timeout photos 3000"};
  for (int i = 0; i < sentinels; ++i) sentinels_.push_back(std::make_unique<RedisServer>(options));
  const std::string others = std::to_string(sentinels - 1);
  for (const auto& one : sentinels_) {
    wait_for("Sentinel that knows replica and colleagues", [&] {
      const std::string known = one->command({"SENTINEL", "MASTER", "photos"});
      return known.find("num-slaves, 1") != std::string::npos &&
             known.find("num-other-sentinels, " + others) != std::string::npos;
    });
  }
}

std::string ReplicatedRedis::url() const {
  std::string url;
  for (const auto& one : sentinels_)
    url += (url.empty() ? "" : ",") + ("127.0.0.1:" + std::to_string(one->port()));
  return "redis+sentinel://" + url + "/photos";
}

}  // namespace photoscribe::test
