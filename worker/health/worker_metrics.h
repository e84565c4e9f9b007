// worker_metrics: what a worker counts while it works, and its text for /metrics.
//
// Counted by the consumer's thread and those of the devices, read by the server's; nothing of it is
// decided by, and a photo costs some twenty additions. ops/docs/metrics.md lists every name.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "common/core/counters.h"
#include "common/core/health.h"
#include "worker/photo/job.h"

namespace photoscribe {

class WorkerMetrics {
 public:
  enum class Stage { fetch, read, decode, blur, caption, publish };

  /// Photos that have their result, with the times of their stages.
  void add_finished(std::span<const Finished> items);
  void add_time(Stage stage, std::chrono::steady_clock::duration time) {
    stages_[static_cast<std::size_t>(stage)].observe(std::chrono::duration<double>(time).count());
  }
  /// A model was opened on a device.
  void set_precision(const std::string& device, std::string precision);

  Histogram batch_photos{kPhotosBounds};  // of a call of the network
  Counter retried;                        // tasks taken that were in a worker's hand before
  Counter claimed, condemned, released;   // tasks of dead workers
  Counter faults_of_storage, faults_of_machine;
  Gauge waiting, in_work, unpublished;  // tasks held
  Gauge redis_up;

  /// `model`: its name and hash.
  [[nodiscard]] std::string text(const std::string& model, const std::string& model_hash,
                                 const Health::Report& health) const;

 private:
  static constexpr std::size_t kStages = 6;

  Counter captioned_, blurred_;
  std::array<Counter, kReasonCount> failed_;
  std::array<Histogram, kStages> stages_{Histogram(kSecondsBounds), Histogram(kSecondsBounds),
                                         Histogram(kSecondsBounds), Histogram(kSecondsBounds),
                                         Histogram(kSecondsBounds), Histogram(kSecondsBounds)};
  mutable std::mutex mutex_;
  std::map<std::string, std::string> precisions_;  // by device
};

}  // namespace photoscribe
