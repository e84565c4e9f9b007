// unreadable_results: how often photos are retried whose results could not be read.
//
// Such an entry of the results stream took its tasks with it, so reconcile enqueues them again; a
// worker that writes the same again would make that an endless loop. A photo whose item is broken
// again and again ends as failed; where an entry does not even name its photos, rounds without any
// readable result end the run. In memory: a restarted scheduler counts from zero. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/core/error.h"
#include "common/redis/queue_types.h"

namespace photoscribe {

class UnreadableResults {
 public:
  /// Notes an entry with a problem. Returns what to record: what could be salvaged from it, and a
  /// failure for every photo whose result was unreadable for the third time. Idempotent per entry,
  /// which is read again when its XDEL failed.
  [[nodiscard]] ResultBatch take(redis::ResultEntry entry);

  /// Reconcile enqueues photos again; `recorded`: final so far. An error when this is the third
  /// time in a row because of entries without anything to salvage, with nothing recorded between.
  [[nodiscard]] Status begin_round(std::int64_t recorded);

 private:
  using Image = std::pair<std::int64_t, std::int32_t>;  // id, attempt
  std::map<Image, std::set<redis::EntryId>> broken_;
  std::set<redis::EntryId> lost_;  // since the last round
  std::string last_problem_;
  std::optional<std::int64_t> recorded_before_;
  int rounds_ = 0;  // in a row
};

}  // namespace photoscribe
