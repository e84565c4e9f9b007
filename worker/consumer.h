// consumer: a worker's dealings with Redis (ops/docs/protocol.md): joins runs, takes tasks, feeds
// the pipeline, publishes results, keeps leases, and gives back what it will not do.
//
// Four coroutines on one thread that never blocks, each with a connection of its own:
//   take     reads tasks, renews leases, judges other workers          consumer_take.cpp
//   feed     marks tasks in hand and starts them; hands back           consumer_feed.cpp
//   publish  one MULTI per group of results                            consumer_publish.cpp
//   watch    photos past their time-out, roots that do not answer      consumer_end.cpp, _roots.cpp
//            and what the heart is to report of it                     consumer_report.cpp
// Photos are read, decoded and captioned on the pipeline's threads; the heart beats on its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/rate_meter.h"
#include "common/core/worker_report.h"
#include "common/redis/connection.h"
#include "common/redis/liveness.h"
#include "common/redis/worker_queue.h"
#include "worker/fault_counts.h"
#include "worker/health.h"
#include "worker/heartbeat.h"
#include "worker/holdings.h"
#include "worker/pipeline.h"
#include "worker/root_probes.h"
#include "worker/run_turns.h"
#include "worker/wake.h"

namespace photoscribe {

struct RootSettings {
  RootCheck check = [](const PhotoRoot& root) { return root.check(); };
  std::chrono::milliseconds read_patience{5'000};  // a read so long makes us look at its root
  std::chrono::milliseconds answer_limit{5'000};   // of that look; later: "does not answer"
  BlameSettings blame;
};

struct ConsumerConfig {
  redis::Endpoint endpoint;
  std::string name;        // redis::new_consumer_name(); never used by another process
  std::string model_hash;  // a run that asks for another model is not joined
  std::string model_name;  // for people
  std::vector<std::string> devices;
  RootSettings roots;
  std::int64_t memory_max_bytes = 0;  // resident; above it the worker asks to be replaced. 0: none
  /// Nothing comes out for so many leases though work is held: not ready any more.
  int standstill_leases = 3;
  /// The same with nothing in the pipeline, whose photos have time-outs of their own: to be
  /// replaced.
  std::chrono::milliseconds standstill_limit{60'000};
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

  /// May be asked by any thread, for as long as the consumer lives.
  [[nodiscard]] const Health& health() const noexcept { return health_; }

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
    redis::WorkerQueue queue{connection};
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
    int weight = 1, priority = 0;  // as last listed
    int turns_since_suspect = 0;
    bool dry = false;                // the last read brought nothing
    Clock::time_point rest_until{};  // the last reads brought only photos of roots not ready
    int fruitless_reads = 0;
  };
  /// Whether work of a root is taken. Not while its storage is gone, does not answer, or has just
  /// had a fault.
  struct RootState {
    bool ready = true;
    bool silent = false;  // the check that is on its way has not come back in time
    bool dead = false;    // what the last check that came back said
    std::string why;
    int failures = 0;                                       // in a row, for the back-off
    Clock::time_point retry_at{}, tell_at{};                // when to look, or to log, again
    Clock::time_point alive_at = Clock::time_point::min();  // a check that began then found it well
    std::uint64_t photos_read = 0;
    std::vector<Faulted> unjudged;  // what could not be read since the check began
  };
  /// The whole process stood still (SIGSTOP, a frozen machine): no photo's fault.
  struct Stall {
    Clock::time_point until;
    Clock::duration length;
  };
  struct Drain {
    Clock::time_point deadline;
    Ending ending;
  };

  // ---- consumer.cpp: shared by the loops
  Awaitable<Status> check_server_of(Link& link);
  Awaitable<bool> reach(Link& link);  // connects; false after a pause: look at ended_ again
  Awaitable<void> trouble(Link& link, Error error);
  void works(Link& link);  // the opposite of trouble
  [[nodiscard]] JoinedRun* find(const std::string& incarnation);
  [[nodiscard]] std::vector<std::string> joined() const;
  [[nodiscard]] static RunShare share_of(const JoinedRun& run);
  [[nodiscard]] std::size_t waiting() const;
  void drop_run(const std::string& incarnation, const std::string& why);
  void forget_entries(JoinedRun& run, const std::vector<redis::EntryId>& lost);
  void give_back(JoinedRun& run, const std::vector<redis::EntryId>& ids);
  void tell_heart();
  [[nodiscard]] milliseconds lease() const;  // the shortest of the joined runs
  [[nodiscard]] bool unready() const { return Clock::now() < unready_until_; }
  void on_finished(std::vector<Finished> items);
  void on_returned(Job job);
  void on_device_lost(const std::string& device, const Error& why, const std::vector<Job>& jobs);
  [[nodiscard]] PipelineEvents pipeline_events();
  void finish_failed(Job job, Failed failed);  // a result without the pipeline
  [[nodiscard]] static FaultCounts::ImageKey key_of(const Job& job);

  // ---- consumer_take.cpp
  Awaitable<void> take_loop();
  Awaitable<Status> take_turn();
  Awaitable<Status> refresh_runs();
  Awaitable<Status> consider(redis::RunListing listing);
  Awaitable<Status> look_after(std::string incarnation);
  Awaitable<Status> renew(std::string incarnation);
  Awaitable<Status> judge_others(std::string incarnation);
  Awaitable<Status> find_orphans(std::string incarnation, redis::Judged holder);
  [[nodiscard]] std::vector<RunShare> readable() const;
  Awaitable<Status> read_some(std::size_t wanted);
  void take_in(const std::string& incarnation, std::vector<redis::Delivery> deliveries);

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

  // ---- consumer_roots.cpp
  [[nodiscard]] bool is_ready(const std::string& root) const;
  [[nodiscard]] bool some_root_ready(const JoinedRun& run) const;
  [[nodiscard]] bool may_read(const JoinedRun& run) const;
  void on_faulted(Faulted item);
  void on_machine_fault(Faulted item);
  void note_ready();
  void return_task(const Job& job);
  void blame(Faulted item, Reason reason, const FaultCounts& counts);
  void rest_root(const std::string& name, const std::string& why);
  void on_root_answer(const RootProbes::Answer& answer);
  void make_ready(const std::string& name);
  void take_root_back(const std::string& name);
  std::size_t give_back_unready(JoinedRun& run);
  void rest_from_reading(JoinedRun& run, std::size_t read, std::size_t given_back);
  void watch_roots();
  void fall_silent(const std::string& name);
  /// Reads of this root that have hung for longer than `older_than`.
  void leave_readers_behind(const std::string& name, Clock::duration older_than);

  // ---- consumer_report.cpp
  [[nodiscard]] WorkerReport self() const;  // what it is, whatever it does
  void report(const std::string& why_not_ready);

  // ---- consumer_end.cpp
  Awaitable<void> watch_loop();
  [[nodiscard]] Clock::duration worked_since(Clock::time_point since) const;
  void watch_memory();
  /// Why no more work should be expected of this worker now; empty: it is ready.
  [[nodiscard]] std::string why_not_ready() const;
  void watch_standstill(std::string& why);
  void overdue(const InWork& work);
  void time_out(const InWork& work);
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
  RunTurns take_turns_, feed_turns_;  // reading and starting: several runs, one worker
  std::size_t in_pipeline_ = 0;       // jobs submitted that have not come out
  std::size_t abandoned_ = 0;         // of these, jobs that never will
  std::set<std::pair<std::string, redis::EntryId>> charged_;  // not to be handed back: device lost
  std::int64_t mark_number_ = 0;                              // of start() and reclaim()
  bool suspect_in_hand_ = false;                              // it is processed alone
  std::deque<Finished> done_;
  std::vector<Finished> publishing_;
  bool publish_now_ = false;
  Clock::time_point done_since_{};
  FaultCounts storage_faults_, memory_faults_;
  std::uint64_t photos_read_ = 0;
  std::int64_t photos_finished_ = 0;
  RateMeter rate_;
  Clock::time_point report_at_{};
  int machine_failures_ = 0;           // in a row
  Clock::time_point unready_until_{};  // for every root: the machine is short of something
  std::string unready_why_;
  std::map<std::string, RootState> roots_state_;
  std::optional<RootProbes> probes_;
  int hung_reads_ = 0;  // threads left behind, ever
  std::vector<Stall> stalls_;
  Health health_{std::chrono::seconds(10)};
  StandstillWatch standstill_;
  std::optional<Drain> drain_;
  bool take_ended_ = false, publish_ended_ = false, ended_ = false;

  std::optional<Heartbeat> heart_;
  std::unique_ptr<Pipeline> pipeline_;  // last: its threads use what is above
};

}  // namespace photoscribe
