#include "worker/health/worker_metrics.h"

#include <algorithm>
#include <utility>

#include "common/http/metrics_text.h"

namespace photoscribe {
namespace {

using http::MetricsText;
using Type = MetricsText::Type;

constexpr std::array<std::string_view, 6> kStageNames{"fetch", "read",    "decode",
                                                      "blur",  "caption", "publish"};

std::chrono::microseconds micros(std::uint32_t time) { return std::chrono::microseconds(time); }

double as_number(const Gauge& gauge) { return static_cast<double>(gauge.value()); }

}  // namespace

void WorkerMetrics::add_finished(std::span<const Finished> items) {
  for (const Finished& item : items) {
    const Result& result = item.result;
    const StageTimes& times = result.times;
    if (const auto* failed = std::get_if<Failed>(&result.outcome)) {
      failed_[static_cast<std::size_t>(failed->reason)].add();
    } else {
      (std::holds_alternative<Captioned>(result.outcome) ? captioned_ : blurred_).add();
    }
    add_time(Stage::read, micros(times.read_us));
    if (times.decode_us == 0) continue;  // it was not read to its end
    add_time(Stage::decode, micros(times.decode_us - std::min(times.decode_us, item.blur_us)));
    if (item.blur_us > 0) add_time(Stage::blur, micros(item.blur_us));
    if (times.caption_us > 0) add_time(Stage::caption, micros(times.caption_us));
  }
}

void WorkerMetrics::set_precision(const std::string& device, std::string precision) {
  const std::lock_guard lock(mutex_);
  precisions_[device] = std::move(precision);
}

std::string WorkerMetrics::text(const std::string& model, const std::string& model_hash,
                                const Health::Report& health) const {
  MetricsText out;
  out.family("photoscribe_worker_info", Type::gauge,
             "1 for each device: the model that is open there, and what it is worked out in.");
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [device, precision] : precisions_) {
      out.sample({{"device", device},
                  {"model", model},
                  {"model_hash", model_hash},
                  {"precision", precision}},
                 1);
    }
  }
  out.family("photoscribe_worker_ready", Type::gauge, "1 while the worker takes work (/readyz).");
  out.sample({}, health.ready ? 1 : 0);
  out.family("photoscribe_redis_up", Type::gauge, "1 while Redis answers.");
  out.sample({}, as_number(redis_up));
  out.family("photoscribe_worker_photos_total", Type::counter,
             "Photos that got a result here, by outcome.");
  std::uint64_t failed = 0;
  for (const Counter& one : failed_) failed += one.value();
  out.sample({{"outcome", "captioned"}}, captioned_);
  out.sample({{"outcome", "blurred"}}, blurred_);
  out.sample({{"outcome", "failed"}}, static_cast<double>(failed));
  out.family("photoscribe_worker_failures_total", Type::counter,
             "Photos that failed here, by reason.");
  for (std::size_t i = 0; i < failed_.size(); ++i) {
    out.sample({{"reason", to_string(static_cast<Reason>(i))}}, failed_[i]);
  }
  out.family("photoscribe_worker_stage_seconds", Type::histogram,
             "Time that a photo spent in a stage; of fetch and publish, that a batch did.");
  for (std::size_t i = 0; i < kStages; ++i) out.sample({{"stage", kStageNames[i]}}, stages_[i]);
  out.family("photoscribe_worker_batch_photos", Type::histogram,
             "Photos of a batch that went through the network.");
  out.sample({}, batch_photos);
  out.family("photoscribe_worker_tasks_held", Type::gauge, "Tasks in this worker's name.");
  out.sample({{"state", "waiting"}}, as_number(waiting));
  out.sample({{"state", "in_work"}}, as_number(in_work));
  out.sample({{"state", "unpublished"}}, as_number(unpublished));
  out.family("photoscribe_worker_retries_total", Type::counter,
             "Tasks taken that a worker had in hand before.");
  out.sample({}, retried);
  out.family("photoscribe_worker_reclaims_total", Type::counter,
             "Tasks of dead workers: claimed, given back to the queue (released), or failed after "
             "too many crashes (condemned).");
  out.sample({{"verdict", "claimed"}}, claimed);
  out.sample({{"verdict", "released"}}, released);
  out.sample({{"verdict", "condemned"}}, condemned);
  out.family("photoscribe_worker_faults_total", Type::counter,
             "Photos given back since the storage or this machine was at fault.");
  out.sample({{"of", "storage"}}, faults_of_storage);
  out.sample({{"of", "machine"}}, faults_of_machine);
  out.add_process();
  return out.text();
}

}  // namespace photoscribe
