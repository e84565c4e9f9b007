// trouble_reporter: what a scheduler tells people; a trouble that lasts is told once when it begins
// and once when it is over.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "scheduler/run_events.h"

namespace photoscribe {

enum class Trouble : std::uint8_t {
  disk,      // the database cannot be written
  redis,     // nobody answers
  refusal,   // Redis is there and takes no writes
  eviction,  // Redis may throw keys away
};

class TroubleReporter {
 public:
  explicit TroubleReporter(Say say) : say_(std::move(say)) {}

  void tell(EventLevel level, std::string text) const;
  /// A warning, unless this trouble has begun before.
  void begins(Trouble trouble, std::string text);
  /// It has begun, and something else has told so.
  void was_told(Trouble trouble) { told_.insert(trouble); }
  [[nodiscard]] bool lasts(Trouble trouble) const { return told_.contains(trouble); }
  /// Told where it had begun.
  void is_over(Trouble trouble);

 private:
  Say say_;
  std::set<Trouble> told_;
};

}  // namespace photoscribe
