// heartbeat: moves this worker's counter in every run it has joined, and says in between what the
// worker reports of itself, from a thread that does nothing else, over a connection of its own, so
// that neither a busy CPU pool nor a blocked read can make a living worker look dead (design.md 4,
// lease).
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "common/async/wakeable_timer.h"
#include "common/redis/connection.h"
#include "common/redis/worker_queue.h"

namespace photoscribe {

class Heartbeat {
 public:
  /// Beats in no run until set_runs(). `consumer` is the name to beat under. While `alive`, called
  /// on the heart's thread, says no, the heart stands still: a worker whose loop hangs holds tasks
  /// that nobody works on, so others must be free to take them.
  Heartbeat(
      redis::Endpoint endpoint, redis::ConnectionOptions options, std::string consumer,
      std::function<bool()> alive = [] { return true; });
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat();

  /// Incarnation -> time between beats. Beats in new runs at once. Thread-safe.
  void set_runs(std::map<std::string, std::chrono::milliseconds> runs);
  /// What is reported once a second from now on (redis/fleet.h); empty: nothing. Thread-safe.
  void set_report(std::string report);
  /// Whether the last beats were taken. Where Redis takes none, nobody else's counter moves either,
  /// so nobody may be judged by it (protocol.md H12). Thread-safe.
  [[nodiscard]] bool beats() const { return beats_; }
  /// Ends the thread at once; a beat on its way is waited for, half a second at most.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<void> beat_loop();
  boost::asio::awaitable<Status> beat_where_due();
  boost::asio::awaitable<Status> report_if_due();
  boost::asio::awaitable<void> end_soon();

  boost::asio::io_context io_;
  redis::Connection connection_;
  redis::WorkerQueue queue_{connection_};
  WakeableTimer wake_, end_;
  const std::string consumer_;
  const std::function<bool()> alive_;
  bool was_alive_ = true;
  std::atomic<bool> beats_{true};
  std::int64_t counter_ = 0;
  std::map<std::string, Clock::time_point> next_;
  Clock::time_point next_report_{};
  bool reports_ = true;                    // not to a server whose user may not
  bool stopping_ = false, ended_ = false;  // on the thread only

  std::mutex mutex_;
  std::map<std::string, std::chrono::milliseconds> runs_;
  std::string report_;
  std::thread thread_;
};

}  // namespace photoscribe
