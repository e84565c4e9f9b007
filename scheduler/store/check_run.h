// check_run: whether a run's rows are consistent, and whether the photos are still where the
// database says; repairs rows that contradict each other, and nothing else.
//
// For `photoscribe doctor --run`. A database that only photoscribe ever wrote needs no repair,
// whatever was killed: this is for files changed by other programs or restored from a copy.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/error.h"

namespace photoscribe {

struct RunCheck {
  std::int64_t images = 0;
  // Of the database alone:
  std::int64_t miscounted = 0;  // kinds of photos whose stored count is wrong
  std::int64_t lost_results =
      0;  // final, but without a result of their attempt: to be processed again
  std::int64_t other_states = 0;  // whose result contradicts the state
  std::int64_t misjudged = 0;     // unsure by their confidence but not marked so, or the reverse
  std::int64_t enqueued = 0;      // unfinished, and in Redis or to be enqueued again
  std::int64_t pending = 0;       // unfinished, all
  bool mended = false;
  // Of the photos on disk, those asked for; the next scan handles them:
  std::int64_t missing = 0, changed = 0;
  std::string example;  // of those, as text
  [[nodiscard]] std::int64_t faults() const {
    return miscounted + lost_results + other_states + misjudged;
  }
};

/// Checks, without changing anything. `with_files`: every photo on disk, too.
[[nodiscard]] Expected<RunCheck> check_run(const std::string& database, const std::string& run,
                                           bool with_files);
/// Checks and repairs under the database's lock, in one transaction: a final photo without its
/// result is pending again under a raised attempt, states follow results, captions are rejudged and
/// photos recounted. Fails with store_locked while a scheduler is running.
[[nodiscard]] Expected<RunCheck> mend_run(const std::string& database, const std::string& run,
                                          bool with_files);

}  // namespace photoscribe
