// serve: a scheduler without photos or workers of its own (`photoscribe scheduler`): it serves
// every unfinished run of one database at once, and waits for more.
//
// Each run has its Scheduler (its own keys, its own connection), all on one io_context and one
// StoreThread; workers, anywhere, take turns over the runs by priority and weight. Runs are
// added by `photoscribe submit`, over the control socket; folders that are to be watched are
// watched as long as their run is served. Decides nothing about photos.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/rate_meter.h"
#include "common/redis/endpoint.h"
#include "scheduler/control/control_socket.h"
#include "scheduler/queue/scheduler.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/run/run_batch.h"
#include "scheduler/run/time_window.h"
#include "scheduler/run/watch_photos.h"

namespace photoscribe {

struct ServeRequest {
  std::string database = "archive.db";  // made when absent
  std::string redis_url;                // redis:, rediss: or unix:
  std::string state_folder;             // empty: DATABASE.state
  LeaseSettings lease;
  RemoteSettings remote;                  // to list the buckets of submissions
  std::int64_t window = 50'000;           // of each run
  std::int64_t remembered_max = 500'000;  // of each run: SchedulerSettings
  bool allow_stored_commands = false;     // run on-finish commands whoever stored them
  int watch_rescan_s = 600;               // of folders that are watched
  bool once = false;  // end when every run is finished, paused or cancelled; nothing is watched
  std::shared_ptr<RunMonitor> monitor;  // is told how it gets on; null: nobody asks
  std::function<std::int64_t()> unix_clock = [] { return std::int64_t{std::time(nullptr)}; };
};

struct ServeSummary {
  RunEnd end = RunEnd::complete;  // complete: --once, and nothing is left
  std::int64_t runs_finished = 0;
  std::int64_t photos = 0;   // recorded
  std::int64_t pending = 0;  // of all runs together, the paused and the cancelled left out
};

/// Serves until `stop` says so, or with `once` until nothing is left. Fails as run_batch() does
/// where it does not start workers. Blocks.
[[nodiscard]] Expected<ServeSummary> serve_runs(const ServeRequest& request, RunObserver& observer,
                                                const StopHandle& stop);

/// The body of serve_runs(), of an opened store.
class RunServer {
 public:
  using Clock = std::chrono::steady_clock;
  RunServer(const ServeRequest& request, redis::Endpoint endpoint, Store& store,
            RunObserver& observer, const StopHandle& stop);
  RunServer(const RunServer&) = delete;
  RunServer& operator=(const RunServer&) = delete;

  [[nodiscard]] Expected<ServeSummary> run();

 private:
  /// A run that is being served.
  struct Served {
    RunRow row;
    std::optional<DayWindow> hours;
    bool asked_to_pause = false, out_of_hours = false;
    std::unique_ptr<Scheduler> scheduler;
    std::optional<Expected<SchedulerEnd>> end;
    std::uint64_t number = 0;           // told apart from one before of the same run
    std::unique_ptr<PhotoWatch> watch;  // last: its thread uses the rest
  };
  /// An unfinished run, as the database has it.
  struct Unfinished {
    RunRow row;
    std::vector<Root> roots;
    RunCounts counts;
    std::string watched;  // its submission; empty: it ends with its photos
  };
  static Expected<std::vector<Unfinished>> unfinished(Lookup& store, bool watches);

  // serve.cpp
  asio::awaitable<void> steer();
  asio::awaitable<void> look_for_runs();
  void begin(Unfinished run);
  asio::awaitable<void> remove_ended();
  asio::awaitable<void> watch(RunId id, std::uint64_t number, std::string submission);
  [[nodiscard]] Served* served(RunId id, std::uint64_t number);
  [[nodiscard]] Status begin_watch(Served& run, WatchedFolders folders);
  [[nodiscard]] bool may_call(const RunRow& row) const;
  asio::awaitable<void> call_back(RunRow row, RunEnd end);
  void collect_calls(bool wait);
  void keep_hours();
  void handle_stop_requests();
  void finish_all();
  void show(Clock::time_point now);
  void tell_monitor(Clock::time_point now);
  void say(EventLevel level, std::string text);
  [[nodiscard]] bool nothing_left() const;

  // serve_control.cpp
  asio::awaitable<Expected<ControlReply>> handle_request(ControlRequest request);
  asio::awaitable<Expected<ControlReply>> submit(std::string line);
  asio::awaitable<void> stop_serving(std::string run);
  void apply_pause(Served& run);

  const ServeRequest& request_;
  const redis::Endpoint endpoint_;
  RunObserver& observer_;
  const StopHandle& stop_;
  asio::io_context io_{1};
  StoreThread store_;
  asio::thread_pool walkers_{1};  // one submission at a time
  std::optional<ControlServer> control_;
  std::map<RunId, std::unique_ptr<Served>> served_;
  std::set<std::string> submitted_;  // names of runs whose manifest is being filled: not served
  int submissions_ = 0;
  std::uint64_t begun_ = 0;              // schedulers so far
  std::list<std::future<Event>> calls_;  // callbacks at runs' ends
  std::optional<Error> failure_;
  bool draining_ = false, killed_ = false, drain_asked_ = false, redis_answered_ = false;
  std::int64_t unfinished_runs_ = -1;  // that may be served; -1: not looked yet
  std::int64_t pending_ = 0;
  Clock::time_point started_ = Clock::now(), next_look_{}, next_show_{}, next_tell_{};
  RateMeter rate_;
  ServeSummary summary_;
  std::int64_t photos_before_ = 0;  // recorded by schedulers that have ended
};

}  // namespace photoscribe
