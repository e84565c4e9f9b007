// consumer: a worker's dealings with Redis (PROTOCOL.md): joins runs, takes tasks, feeds the
// pipeline, publishes results, keeps leases, and gives back what it will not do.
//
// Four coroutines on one thread that never blocks, each with a connection of its own:
//   take     reads tasks, renews leases, judges other workers          consumer_take.cpp
//   feed     marks tasks in hand and starts them; hands back           consumer_feed.cpp
//   publish  one MULTI per group of results                            consumer_publish.cpp
//   watch    photos past their time-out                                consumer_end.cpp
// Photos are read, decoded and captioned on the pipeline's threads; the heart beats on its own.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/redis/connection.h"
#include "common/redis/liveness.h"
#include "common/redis/run_queue.h"
#include "worker/heartbeat.h"
#include "worker/holdings.h"
#include "worker/pipeline.h"
#include "worker/wake.h"

namespace photoscribe {

struct ConsumerConfig {
  redis::Endpoint endpoint;
  std::string name;        // redis::new_consumer_name(); never used by another process
  std::string model_hash;  // a run that asks for another model is not joined
};

/// The worker's exit codes.
inline constexpr int kExitStopped = 0, kExitEnvironment = 3, kExitReplaceMe = 5;

struct Ending {
  int code = kExitStopped;
  std::string why;  // one line; empty after a clean stop
};

class Consumer {
 public:
  /// Begins to open the model on every device. `roots` must outlive the consumer.
  Consumer(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline,
           CaptionerFactory factory, Loader loader);
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  /// Waits for threads in work: a caller that got kExitReplaceMe should end the process instead.
  ~Consumer();

  /// Works until stopped. Blocks the calling thread.
  [[nodiscard]] Ending run();

  /// Stop taking work, hand back at once what is not in the network, finish the batches that are,
  /// leave. What is not done after `limit` is handed back too. Thread-safe; a later call may only
  /// shorten the limit.
  void request_stop(std::chrono::milliseconds limit);

 private:
  using Clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  /// One coroutine's connection, and how it fares.
  struct Link {
    Link(const boost::asio::any_io_executor& executor, const redis::Endpoint& endpoint,
         const std::string& client_name);
    redis::Connection connection;
    redis::RunQueue queue{connection};
    Wake pause;  // sleeps out a back-off; only the end of the worker interrupts it
    int failures = 0;
  };
  /// An entry in the name of a dead worker, which it had marked as in hand.
  struct Orphan {
    redis::EntryId id;
    int deliveries = 1;
    redis::Judged holder;
  };
  struct JoinedRun {
    explicit JoinedRun(std::shared_ptr<const RunContext> run);
    std::shared_ptr<const RunContext> context;
    Holdings held;
    redis::Liveness liveness;
    std::vector<Orphan> orphans;
    Clock::time_point renew_at{}, look_at{};
    int turns_since_suspect = 0;
    bool dry = false;  // the last read brought nothing
  };
  /// Whether the storage behind a root answers, asked on a thread that may hang with it.
  struct Probe {
    std::shared_ptr<std::atomic<bool>> answered;
    Clock::time_point since;
  };
  struct Drain {
    Clock::time_point deadline;
    Ending ending;
  };
  using ImageKey = std::tuple<std::string, std::int64_t, std::int32_t>;  // run, image, attempt

  // ---- consumer.cpp: shared by the loops
  Awaitable<bool> reach(Link& link);  // connects; false after a pause: look at ended_ again
  Awaitable<void> trouble(Link& link, Error error);
  void works(Link& link);  // the opposite of trouble
  [[nodiscard]] JoinedRun* find(const std::string& incarnation);
  [[nodiscard]] std::vector<std::string> joined() const;
  [[nodiscard]] std::size_t waiting() const;
  void drop_run(const std::string& incarnation, const std::string& why);
  void forget_entries(JoinedRun& run, const std::vector<redis::EntryId>& lost);
  void give_back(JoinedRun& run, const std::vector<redis::EntryId>& ids);
  void tell_heart();
  [[nodiscard]] milliseconds lease() const;  // the shortest of the joined runs
  [[nodiscard]] bool unready() const { return Clock::now() < unready_until_; }
  void on_finished(std::vector<Finished> items);
  void on_faulted(Faulted item);
  void on_returned(Job job);
  void on_device_lost(const std::string& device, const Error& why, const std::vector<Job>& jobs);
  [[nodiscard]] PipelineEvents pipeline_events();

  // ---- consumer_take.cpp
  Awaitable<void> take_loop();
  Awaitable<Status> take_turn();
  Awaitable<Status> refresh_runs();
  Awaitable<Status> consider(redis::RunListing listing);
  Awaitable<Status> look_after(std::string incarnation);
  Awaitable<Status> renew(std::string incarnation);
  Awaitable<Status> judge_others(std::string incarnation);
  Awaitable<Status> find_orphans(std::string incarnation, redis::Judged holder);
  Awaitable<Status> read_some(std::size_t wanted);
  void take_in(const std::string& incarnation, std::vector<redis::Delivery> deliveries);
  void check_roots();

  // ---- consumer_feed.cpp
  Awaitable<void> feed_loop();
  Awaitable<Status> feed_turn();
  Awaitable<Status> start_fresh(std::string incarnation, std::size_t count);
  Awaitable<Status> start_suspect(std::string incarnation);
  Awaitable<Status> reclaim_one(std::string incarnation);
  Awaitable<Status> mark_and_submit(std::string incarnation, std::vector<redis::EntryId> chosen);
  Awaitable<Status> hand_back_all();
  void submit(JoinedRun& run, const std::vector<redis::EntryId>& ids);

  // ---- consumer_publish.cpp
  Awaitable<void> publish_loop();
  Awaitable<Status> publish_some();

  // ---- consumer_end.cpp
  Awaitable<void> watch_loop();
  void overdue(const InWork& work);
  void time_out(const InWork& work);
  void storage_hangs(const InWork& work);
  void begin_drain(int code, const std::string& why, milliseconds limit);
  Awaitable<void> finish_drain();
  [[nodiscard]] bool all_done() const;
  void take_everything_back(bool in_network_too);
  Awaitable<void> leave_runs();
  void end();

  boost::asio::io_context io_{1};  // first: what follows hangs on it
  const ConsumerConfig config_;
  const Roots& roots_;
  const std::size_t batch_max_;
  Link take_, feed_, publish_;
  Wake wake_take_, wake_feed_, wake_publish_, wake_watch_;

  std::map<std::string, JoinedRun> runs_;
  std::set<std::string> refused_, welcomed_;  // incarnations already spoken of in the log
  std::map<std::string, Clock::time_point> not_before_;  // dropped runs: when to join them again
  Clock::time_point list_at_{};
  std::uint64_t take_generation_ = 0;
  std::size_t rotation_ = 0;
  std::size_t in_pipeline_ = 0;  // jobs submitted that have not come out
  std::size_t abandoned_ = 0;    // of these, jobs that never will
  std::set<std::pair<std::string, redis::EntryId>> charged_;  // not to be handed back: device lost
  std::int64_t mark_number_ = 0;                              // of start() and reclaim()
  bool suspect_in_hand_ = false;                              // it is processed alone
  std::deque<Finished> done_;
  std::vector<Finished> publishing_;
  bool publish_now_ = false;
  Clock::time_point done_since_{};
  std::map<ImageKey, int> storage_faults_;
  std::uint64_t photos_read_ = 0, photos_read_at_fault_ = 0;
  int environment_failures_ = 0;
  Clock::time_point unready_until_{};
  std::string unready_why_;
  std::optional<Probe> probe_;
  std::optional<Drain> drain_;
  bool take_ended_ = false, publish_ended_ = false, ended_ = false;

  std::optional<Heartbeat> heart_;
  std::unique_ptr<Pipeline> pipeline_;  // last: its threads use what is above
};

}  // namespace photoscribe
