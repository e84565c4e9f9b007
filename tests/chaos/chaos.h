// chaos: whole runs of real processes on a real Redis of the test's own, with damage done to them,
// and the one check that follows all of it.
//
// photoscribe and its workers (photoscribe-worker with faults, chaos_worker_main.cpp) reach Redis
// through a RedisProxy, which kills, cuts and keeps the log of finished results. Random choices
// come from a seed that is printed: CHAOS_SEED=N repeats them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/chaos/preload.h"
#include "tests/chaos/redis_proxy.h"
#include "tests/end_to_end/fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {

/// The orders of a preloaded process, mapped by the test.
class Orders {
 public:
  explicit Orders(std::string file);
  ~Orders();
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;
  PreloadOrders* operator->() const { return map_; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
  PreloadOrders* map_ = nullptr;
};

/// An environment variable for the processes that are started while it lives.
class Environment {
 public:
  Environment(std::string name, const std::string& value);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::string name_;
};

class Chaos : public EndToEnd {
 protected:
  using Clock = std::chrono::steady_clock;

  void SetUp() override;
  void TearDown() override;

  /// Writes the photos and starts server and proxy. Call first.
  void begin(int photos, RedisOptions options = {});
  /// `photoscribe run` over the proxy, four photos a batch.
  [[nodiscard]] std::vector<std::string> scribe(std::vector<std::string> more = {}) const;
  Process start(std::vector<std::string> more = {}) const;
  /// Faults of the workers that start from now on (photo_faults.h).
  void set_faults(const std::string& lines);
  /// Whether that fault, marked `once` (counted from 0), has come.
  [[nodiscard]] bool struck(int fault) const;

  /// Waits for the end and the exit status, and checks that nothing is lost.
  void finish(Process& run, int exit_status = 0);
  /// Every photo is in a final state exactly once; each result whose finish Redis answered is in
  /// the database as it was sent; nobody is blamed but `failed` (reason -> photos); the database
  /// is whole; Redis holds nothing any more.
  void expect_nothing_lost(const std::map<std::string, int>& failed = {});

  /// Everything that this run's workers have logged.
  [[nodiscard]] std::string worker_logs() const;
  /// Results whose finish was answered although the same had been finished before.
  [[nodiscard]] int done_again() const;
  [[nodiscard]] int results() const;  // in the database
  [[nodiscard]] bool reached(int results, int seconds = 60) const;

  /// The damage is done now: measures until the next result is in the database and, at finish(),
  /// until all are.
  void damaged();
  [[nodiscard]] std::optional<Clock::time_point> damaged_at() const { return damaged_at_; }
  void expect_recovery(std::chrono::milliseconds limit);

  [[nodiscard]] int pick(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  }
  RedisServer& redis() { return *server_; }
  RedisProxy& proxy() { return *proxy_; }
  [[nodiscard]] const RedisProxy& proxy() const { return *proxy_; }
  [[nodiscard]] int photo_count() const { return photo_count_; }

 private:
  void expect_finished_kept() const;
  void expect_database_whole() const;

  std::optional<RedisServer> server_;
  std::optional<RedisProxy> proxy_;
  std::mt19937 random_;
  int photo_count_ = 0;
  std::optional<Clock::time_point> damaged_at_;
  int results_then_ = 0;
  double first_result_s_ = 0;
};

}  // namespace photoscribe::test
