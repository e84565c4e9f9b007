// consumer: the worker's side of the queue (ops/docs/protocol.md): it joins runs, takes tasks,
// feeds the pipeline, publishes results, renews leases, and hands back what it will not process.
//
// Four coroutines on one thread that never blocks; the first three have a connection of their own:
//   Taker      lists runs, reads tasks, renews leases, judges other workers
//   Dispatcher     marks tasks in hand and starts them; hands back
//   Publisher  one MULTI per group of results
//   the watch  Watchdog (time-outs, memory), RootKeeper (storage), Health and reports
// Photos are read, decoded and captioned on the pipeline's threads; the heartbeat has its own.
// Tasks held in this worker's name are in HeldTasks, those of the pipeline in JobsInWork.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/core/health.h"
#include "common/redis/connection.h"
#include "worker/health/ending.h"
#include "worker/health/root_keeper.h"
#include "worker/health/watchdog.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {

struct ConsumerConfig {
  redis::Endpoint endpoint;
  std::string name;        // redis::new_consumer_name(); never used by another process
  std::string model_hash;  // a run that asks for another model is not joined
  std::string model_name;  // for people
  std::vector<std::string> devices;
  RootSettings roots;
  WatchdogSettings watchdog;
};

class Consumer {
 public:
  /// Begins to open the model on every device. `roots` must outlive the consumer.
  Consumer(ConsumerConfig config, const Roots& roots, PipelineConfig pipeline,
           CaptionerFactory factory, Loader loader);
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  /// Waits for busy threads: a caller that got kExitReplaceMe should end the process instead.
  ~Consumer();

  /// Works until stopped. Blocks the calling thread.
  [[nodiscard]] Ending run();

  /// Stop taking work, hand back at once what is not in the network, finish the batches that are,
  /// leave. What is not done after `limit` is handed back, too. Thread-safe; a later call can only
  /// shorten the limit.
  void request_stop(std::chrono::milliseconds limit);

  /// May be called by any thread while the consumer exists.
  [[nodiscard]] const Health& health() const noexcept;
  /// The same; as WorkerMetrics::text().
  [[nodiscard]] std::string metrics() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
