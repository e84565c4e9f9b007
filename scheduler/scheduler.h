// scheduler: keeps one run's window of tasks full, records its results, and mends what Redis lost.
//
// The scheduler of tests/protocol on a real server: a feeder (SQLite first, then a
// fenced XADD that is never repeated), a recorder (always from the first entry, commit, then XDEL)
// and a reconcile that puts both right. It starts no process and reads no photo: run_batch() does
// the former, workers the latter. Belongs to one io_context that one thread runs; SQLite has its
// own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/spec.h"
#include "common/redis/connection.h"
#include "common/redis/liveness.h"
#include "common/redis/scheduler_queue.h"
#include "scheduler/run_events.h"
#include "scheduler/store_thread.h"
#include "scheduler/token_bucket.h"
#include "scheduler/unreadable_results.h"

namespace photoscribe {

struct SchedulerSettings {
  RunId run = 0;
  RunSpec spec;                  // what workers read; its roots are names
  std::string model_name;        // for people
  bool own_workers = false;      // whoever made this starts some, and tells when they cannot start
  redis::Endpoint endpoint;      // password included
  std::int64_t window = 50'000;  // design.md 2; bounds |S| and XLEN tasks (H6)
  std::int64_t remembered_max = 500'000;           // results in Redis, for photos with equal bytes
  int weight = 1, priority = 0;                    // of the run among others on the same fleet
  double rate_per_s = 0;                           // tasks fed per second, at most; 0: no limit
  std::chrono::milliseconds first_connect{8'000};  // how long nobody may answer at the start
  std::chrono::milliseconds idle_poll_max{50};  // between two looks for results when there are none
  std::chrono::milliseconds silent_after{30'000};  // without a beat: see SchedulerNow
};

/// What the run itself says; the endpoint and what is the machine's are left.
[[nodiscard]] SchedulerSettings scheduler_settings_of(const RunRow& run,
                                                      const std::vector<Root>& roots,
                                                      const LeaseSettings& lease,
                                                      std::int64_t remembered_max);

/// Why Scheduler::run() returned.
enum class SchedulerEnd : std::uint8_t {
  complete,   // every image is final, and nothing of the run is left in Redis
  cancelled,  // cancel(): what was in hand is recorded, and nothing of the run is left in Redis
  drained,    // finish_up(): what was in the results stream is recorded; keys stay and expire
  aborted,    // abort()
};

/// What a progress line needs; of this moment.
struct SchedulerNow {
  RunCounts counts;                                            // as of the last commit
  std::int64_t done = 0, unsure = 0, blurred = 0, failed = 0;  // recorded by this object
  [[nodiscard]] std::int64_t finished() const { return done + unsure + blurred + failed; }
  std::int64_t enqueued = 0;  // |S|
  std::int64_t reconciles = 0;
  std::size_t workers_living = 0;  // of the run, on any host, as last judged
  /// Consumers whose heart has not moved for `silent_after`, though Redis could be reached.
  std::vector<std::string> workers_silent;
  std::string
      nobody_serves;  // why no worker can do photos of the run, for a while; empty: some can
  bool connected = false;
  bool paused = false;       // nothing is begun
  std::int64_t in_hand = 0;  // while paused: tasks that workers finish, as last looked at
  std::optional<std::chrono::steady_clock::time_point> first_task, last_result;
};

class Scheduler {
 public:
  /// `store` must outlive this; `say` is called on the io_context's thread.
  Scheduler(asio::io_context& io, StoreThread& store, SchedulerSettings settings, Say say);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Runs until every image asked for is final, finish_up() or abort(). Call once.
  ///
  /// Survives every transient fault by waiting: Redis away, loading, out of memory, empty or stale;
  /// disk full or locked. Fails with redis_refused (wrong password, eviction policy …),
  /// redis_unavailable (nobody answered for `first_connect` at the start), store_failure, and with
  /// store_full when it was asked to finish up on a full disk.
  [[nodiscard]] asio::awaitable<Expected<SchedulerEnd>> run();

  /// Nothing more is begun until resume(): what no worker has begun is taken out of Redis, what is
  /// in hand is finished and recorded. The caller keeps in mind (in the database) that it is so.
  void pause();
  void resume();
  /// As pause(), and run() ends once nothing is in hand any more.
  void cancel();
  /// Photos wait again (a retry): the counts of now, from the same call of the store.
  void expect_more(const RunCounts& counts);
  /// Nothing more is enqueued; recording goes on.
  void stop_feeding();
  /// Ends run() once everything that is in the results stream now is recorded.
  void finish_up();
  /// Ends run() at the next step: connections are closed, a running transaction is waited for.
  void abort();

  [[nodiscard]] const SchedulerNow& now() const { return now_; }

 private:
  // scheduler.cpp: the loops
  using MaybeEnd = std::optional<SchedulerEnd>;
  asio::awaitable<Expected<SchedulerEnd>> record_loop();
  asio::awaitable<Expected<MaybeEnd>> turn();
  asio::awaitable<Status> idle();
  asio::awaitable<Status> look();
  asio::awaitable<Status> try_writing();
  void say_writes_again();
  asio::awaitable<Expected<MaybeEnd>> survive(Error error);
  asio::awaitable<Status> connect();
  asio::awaitable<Status> finalize();

  // feeder.cpp
  asio::awaitable<void> feed_loop();
  asio::awaitable<Status> feed_once();
  asio::awaitable<void> rest_feeder(std::chrono::milliseconds time);

  // recorder.cpp
  asio::awaitable<Expected<std::int64_t>> record_once(std::optional<redis::EntryId> up_to);
  asio::awaitable<Status> take_in(std::vector<redis::ResultEntry> entries);
  void note_report(const RecordReport& report);

  // share_seen.cpp
  asio::awaitable<void> share_seen();
  asio::awaitable<void> share_older();
  asio::awaitable<bool> note(std::vector<Result> results);
  asio::awaitable<void> stop_remembering(Error why);
  [[nodiscard]] std::int64_t remembered_at_once() const;
  void forget_shared();
  void note_fresh(std::vector<Result> fresh);

  // scheduler_pause.cpp
  asio::awaitable<Expected<MaybeEnd>> stay_paused();
  asio::awaitable<Status> withdraw();
  void note_paused(const redis::Look& seen);
  void restore_charges(std::vector<Task>& tasks);

  // scheduler_fleet.cpp
  asio::awaitable<Status> watch_fleet();
  void note_unserved(std::optional<std::string> why);
  asio::awaitable<Status> watch_policy();
  asio::awaitable<std::string> eviction_text();

  // scheduler_reconcile.cpp
  asio::awaitable<Status> reconcile();
  asio::awaitable<Status> ensure_incarnation();
  asio::awaitable<Expected<bool>> can_keep_incarnation();
  asio::awaitable<Status> begin_incarnation(std::string why);
  asio::awaitable<Status> record_what_was_there();
  asio::awaitable<Status> apply_plan(std::vector<redis::WindowEntry> window);
  asio::awaitable<Status> watch_workers();
  asio::awaitable<Status> condemn_of(redis::Holder holder);
  void note_silence(const std::vector<redis::Holder>& seen);

  /// A store call that waits out a full or locked disk.
  template <class Fn>
  asio::awaitable<std::invoke_result_t<Fn&, Store&>> stored(Fn fn);
  asio::awaitable<bool> wait_for_disk(Error error);
  asio::awaitable<void> rest(std::chrono::milliseconds time);
  asio::awaitable<Status> refresh_counts();
  void say(EventLevel level, std::string text);
  [[nodiscard]] redis::RunListing listing() const;

  asio::io_context& io_;
  StoreThread& store_;
  SchedulerSettings settings_;
  Say say_;
  redis::Connection connection_;
  redis::SchedulerQueue queue_;
  redis::Liveness liveness_;
  asio::steady_timer timer_, feeder_timer_;
  SchedulerNow now_;

  std::optional<TokenBucket> bucket_;  // with a rate
  UnreadableResults unreadable_;
  std::vector<Result> fresh_;                // recorded, not yet remembered in Redis
  std::optional<std::int64_t> share_below_;  // of the database: where to go on; 0: all is shared
  std::int64_t shared_ = 0;                  // of the database, in this incarnation
  bool remembering_ = true;                  // not while Redis is short of memory
  std::int64_t redis_memory_max_ = 0;        // bytes; 0: no limit
  std::string incarnation_;                  // empty until the first reconcile
  std::uint64_t fence_ = 0;                  // what enqueue must find in Redis
  std::set<std::uint64_t> fences_;           // all that this object wrote in this incarnation
  bool unmade_ = false;             // stored, and nothing of it seen in Redis: may be tried again
  bool spec_checked_ = false;       // the stored incarnation's spec is ours
  std::uint64_t feeder_moves_ = 0;  // rises whenever the feeder begins something
  std::optional<Error> feeder_error_;  // permanent: ends run()
  bool need_reconcile_ = true;
  bool hold_feeder_ = true;     // reconcile step (1): stop adding
  bool feeder_at_rest_ = true;  // nothing of the feeder's is in flight
  bool all_enqueued_ = false;   // the cursor reached the end of the queue
  bool feeding_ = true, finishing_ = false, aborted_ = false, feeder_done_ = true;
  bool withdrawn_ = false;  // while paused: nothing but what is in hand is in Redis
  bool cancelled_ = false;
  std::chrono::steady_clock::time_point cancel_moved_{};  // the last sign that work in hand goes on
  std::map<ImageAttempt, int> charged_;  // taken out of Redis after it had been in somebody's hand
  bool ever_connected_ = false, redis_trouble_said_ = false, disk_trouble_said_ = false;
  bool refusal_said_ = false;  // Redis is there and takes no writes
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  int failures_ = 0;  // in a row, for back-off
  std::chrono::milliseconds idle_wait_{1};
  std::chrono::steady_clock::time_point next_look_{}, next_watch_{}, next_try_{};
  std::map<std::string, std::chrono::steady_clock::time_point> dead_since_;  // consumers
  bool reads_fleet_ = true, eviction_said_ = false;
  std::chrono::steady_clock::time_point next_policy_{};
  std::optional<std::chrono::steady_clock::time_point> unserved_since_;
  std::chrono::steady_clock::time_point say_unserved_at_{};
};

template <class Fn>
asio::awaitable<std::invoke_result_t<Fn&, Store&>> Scheduler::stored(Fn fn) {
  for (;;) {
    Fn once = fn;
    auto result = co_await store_.call(std::move(once));
    if (result) {
      if (disk_trouble_said_) say(EventLevel::info, "the database can be written again");
      disk_trouble_said_ = false;
      co_return result;
    }
    const Errc code = result.error().code;
    if (code != Errc::store_busy && code != Errc::store_full) co_return result;
    if (!co_await wait_for_disk(result.error())) co_return result;
  }
}

}  // namespace photoscribe
