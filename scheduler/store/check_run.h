// check_run: whether what the database says of a run holds together, and whether the photos are
// still where it says; mends what contradicts itself, and nothing else.
//
// For `photoscribe doctor --run`. A database that was only ever written by photoscribe has nothing
// to mend, whatever was killed: this is for files that other programs or a restored copy touched.
#pragma once

#include <cstdint>
#include <string>

#include "common/core/error.h"

namespace photoscribe {

struct RunCheck {
  std::int64_t images = 0;
  // Of the database alone:
  std::int64_t miscounted = 0;    // kinds of photos whose stored number is not the true one
  std::int64_t lost_results = 0;  // final, but without a result of their attempt: to be done again
  std::int64_t other_states = 0;  // with a result that says something else than the state
  std::int64_t misjudged = 0;     // unsure by their confidence and not so marked, or the reverse
  std::int64_t enqueued = 0;      // unfinished, and in Redis or to be put there again
  std::int64_t pending = 0;       // unfinished, all
  bool mended = false;
  // Of the photos on disk, those asked for; the next scan sees to them:
  std::int64_t missing = 0, changed = 0;
  std::string example;  // of those, as text
  [[nodiscard]] std::int64_t faults() const {
    return miscounted + lost_results + other_states + misjudged;
  }
};

/// Looks, without changing anything. `with_files`: also at every photo on disk.
[[nodiscard]] Expected<RunCheck> check_run(const std::string& database, const std::string& run,
                                           bool with_files);
/// Looks and mends under the database's lock, in one transaction: a final photo without its result
/// waits again under a raised attempt, a state follows its result, captions are judged and counts
/// made anew. Fails with store_locked while a scheduler is at work.
[[nodiscard]] Expected<RunCheck> mend_run(const std::string& database, const std::string& run,
                                          bool with_files);

}  // namespace photoscribe
