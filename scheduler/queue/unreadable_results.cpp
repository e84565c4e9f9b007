#include "scheduler/queue/unreadable_results.h"

#include <chrono>

namespace photoscribe {
namespace {

constexpr std::size_t kTriesMax = 3;
constexpr int kRoundsMax = 3;
constexpr std::size_t kRememberedMax = 100'000;  // of both: more is an attack, and starts anew

}  // namespace

ResultBatch UnreadableResults::take(redis::ResultEntry entry) {
  ResultBatch batch = std::move(entry.batch);
  if (batch.results.empty() && entry.broken.empty()) {
    if (lost_.size() >= kRememberedMax) lost_.clear();
    lost_.insert(entry.id);
    last_problem_ = entry.problem;
  }
  if (broken_.size() >= kRememberedMax) broken_.clear();
  for (const BrokenResult& item : entry.broken) {
    auto& entries = broken_[{item.image_id, item.attempt}];
    entries.insert(entry.id);
    if (entries.size() < kTriesMax) continue;
    Failed failed;
    failed.reason = Reason::model_failure;
    failed.detail =
        std::to_string(entries.size()) + " results of it could not be read: " + entry.problem;
    Result result;
    result.image_id = item.image_id;
    result.attempt = item.attempt;
    result.finished_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
    result.outcome = std::move(failed);
    batch.results.push_back(std::move(result));
  }
  return batch;
}

Status UnreadableResults::begin_round(std::int64_t recorded) {
  if (lost_.empty()) return {};
  const std::size_t count = lost_.size();
  lost_.clear();
  rounds_ = recorded_before_ == recorded ? rounds_ + 1 : 1;
  recorded_before_ = recorded;
  if (rounds_ < kRoundsMax) return {};
  rounds_ = 0;
  return fail(Errc::environment,
              "the workers' results cannot be read (" + std::to_string(count) +
                  " entries: " + last_problem_ + "), although their photos were tried " +
                  std::to_string(kRoundsMax) +
                  " times; the entries are in the database's table quarantine. Use scheduler and "
                  "workers of one release, then give the command again");
}

}  // namespace photoscribe
