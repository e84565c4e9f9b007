// trouble_reporter: the events of a scheduler. A lasting trouble is reported once when it begins
// and once when it ends.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "scheduler/run_events.h"

namespace photoscribe {

enum class Trouble : std::uint8_t {
  disk,      // the database cannot be written
  redis,     // no answer
  refusal,   // Redis answers, but refuses writes
  eviction,  // Redis may evict keys
};

class TroubleReporter {
 public:
  explicit TroubleReporter(Say say) : say_(std::move(say)) {}

  void report(EventLevel level, std::string text) const;
  /// A warning, unless this trouble has begun before.
  void begin(Trouble trouble, std::string text);
  /// It has begun, and another event said so.
  void mark_reported(Trouble trouble) { reported_.insert(trouble); }
  [[nodiscard]] bool is_ongoing(Trouble trouble) const { return reported_.contains(trouble); }
  /// Reported if it had begun.
  void end(Trouble trouble);

 private:
  Say say_;
  std::set<Trouble> reported_;
};

}  // namespace photoscribe
