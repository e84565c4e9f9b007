// consumer_impl: the parts of a consumer and their connections. Private to consumer.cpp and
// consumer_watch.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "common/core/rate_meter.h"
#include "common/core/worker_report.h"
#include "worker/queue/consumer.h"
#include "worker/queue/dispatcher.h"
#include "worker/queue/heartbeat.h"
#include "worker/queue/taker.h"

namespace photoscribe {

class Consumer::Impl {
 public:
  Impl(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline, CaptionerFactory factory,
       Loader loader);

  Ending run();
  void request_stop(std::chrono::milliseconds limit);
  [[nodiscard]] const Health& health() const noexcept { return health_; }
  [[nodiscard]] std::string metrics() const;

 private:
  using Clock = std::chrono::steady_clock;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  // ---- what comes out of the pipeline, and of the roots' keeper
  [[nodiscard]] PipelineEvents pipeline_events();
  [[nodiscard]] RootActions root_actions();
  void on_finished(std::vector<Finished> items);
  void on_faulted(Faulted item);
  void on_device_lost(const std::string& device, const Error& why, const std::vector<Job>& jobs);
  void give_back(const Job& job);
  void fail(Job job, Failed failed);

  // ---- the watch
  Awaitable<void> watch_loop();
  [[nodiscard]] std::string why_not_ready();
  void show_held();
  void watch_memory();
  void watch_time_outs();
  void time_out(const InWork& work);
  void report(const std::string& why_not_ready);

  // ---- the end
  void on_stop();
  Awaitable<void> feed_until_end();
  Awaitable<void> finish();
  Awaitable<void> leave_runs();
  [[nodiscard]] bool all_done() const;
  void close();
  void wake_everybody();

  boost::asio::io_context io_{1};  // first: the others use it
  const ConsumerConfig config_;
  const WorkerReport self_;
  Wakes wakes_{io_.get_executor()};
  JoinedRuns runs_;
  Stop stop_;
  Link take_, feed_, publish_;
  MachineRest machine_;
  Watchdog watchdog_;
  Health health_{std::chrono::seconds(10), "opening the model"};
  WorkerMetrics metrics_;
  std::int64_t photos_finished_ = 0;
  RateMeter rate_;
  Clock::time_point report_at_{};
  Heartbeat heart_;
  Pipeline pipeline_;  // its threads post to io_, and are joined before what is above goes
  JobsInWork jobs_{pipeline_};
  HeldTasks held_{runs_, jobs_, wakes_};
  RootKeeper roots_;
  Publisher publisher_;
  Taker taker_;
  Dispatcher dispatcher_;
};

}  // namespace photoscribe
