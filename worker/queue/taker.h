// taker: which runs there are, what is new in them, whether our leases hold, and which other
// workers are dead.
//
// All reads of this consumer name are here, so none is in flight when renew() compares
// (protocol.md H1).
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "common/core/worker_report.h"
#include "worker/queue/heartbeat.h"
#include "worker/queue/queue_parts.h"

namespace photoscribe {

class Taker {
 public:
  using Clock = std::chrono::steady_clock;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  /// `heart` outlives the taker, too; `self` says what this worker is, hence which runs it can
  /// join.
  Taker(QueueParts parts, const Heartbeat& heart, WorkerReport self);

  /// Until a stop begins.
  [[nodiscard]] Awaitable<void> loop();
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  Awaitable<Status> turn();
  Awaitable<Status> refresh_runs();
  Awaitable<Status> consider(redis::RunListing listing);
  void join(const redis::RunListing& listing, RunSpec spec);
  Awaitable<Status> look_after(std::string incarnation);
  Awaitable<Status> renew(std::string incarnation);
  Awaitable<Status> judge_others(std::string incarnation);
  Awaitable<Status> find_orphans(std::string incarnation, redis::Judged holder);
  [[nodiscard]] bool may_read(const JoinedRun& run) const;
  [[nodiscard]] std::vector<RunShare> readable() const;
  Awaitable<Status> read_some(std::size_t wanted);
  Awaitable<Expected<bool>> read_in_turn(std::size_t wanted);
  void note_fetched(Clock::time_point start);
  void take_in(const std::string& incarnation, std::vector<redis::Delivery> deliveries);
  [[nodiscard]] std::size_t give_back_unready(JoinedRun& run);

  QueueParts parts_;
  const Heartbeat& heart_;
  const WorkerReport self_;
  std::set<std::string> refused_, welcomed_;  // incarnations already logged
  std::uint64_t generation_ = 0;              // of the connection
  bool ended_ = false;
};

}  // namespace photoscribe
