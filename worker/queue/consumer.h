// consumer: a worker's dealings with Redis (ops/docs/protocol.md): it joins runs, takes tasks,
// feeds the pipeline, publishes results, keeps leases, and gives back what it will not do.
//
// Four coroutines on one thread that never blocks; the first three have a connection of their own:
//   Taker      lists runs, reads tasks, renews leases, judges other workers
//   Feeder     marks tasks in hand and starts them; hands back
//   Publisher  one MULTI per group of results
//   the watch  Watchdog (time-outs, memory), RootKeeper (storage), Health and reports
// Photos are read, decoded and captioned on the pipeline's threads; the heart beats on its own.
// What stands in this worker's name is in HeldTasks, what the pipeline has in JobsInWork.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/redis/connection.h"
#include "worker/health/ending.h"
#include "worker/health/health.h"
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
  /// Waits for threads in work: a caller that got kExitReplaceMe should end the process instead.
  ~Consumer();

  /// Works until stopped. Blocks the calling thread.
  [[nodiscard]] Ending run();

  /// Stop taking work, hand back at once what is not in the network, finish the batches that are,
  /// leave. What is not done after `limit` is handed back too. Thread-safe; a later call may only
  /// shorten the limit.
  void request_stop(std::chrono::milliseconds limit);

  /// May be asked by any thread, for as long as the consumer lives.
  [[nodiscard]] const Health& health() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace photoscribe
