// unreadable_results: how long photos are tried again whose results could not be read.
//
// Such an entry of the results stream took its tasks with it, so reconcile enqueues them again; a
// worker that writes the same once more would make that a loop without end. A photo whose item is
// broken time and again ends as failed; where an entry does not even say which photos it is about,
// rounds that bring nothing end the run. In memory: a scheduler started anew counts anew. Pure.
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
  /// Takes note of an entry with a problem. What could be had of it, and a failure for every photo
  /// whose result was now unreadable for the third time: to be recorded. Idempotent per entry,
  /// which is read again when its XDEL failed.
  [[nodiscard]] ResultBatch take(redis::ResultEntry entry);

  /// Reconcile enqueues photos again; `recorded`: final so far. An error when this is the third
  /// time in a row because of entries that nothing could be had of, with nothing recorded between.
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
