// exit_status: what each exit status of photoscribe means (design.md 9).
#pragma once

#include "common/core/error.h"

namespace photoscribe::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailedPhotos = 1;  // finished; some failed or could not be read
inline constexpr int kExitUsage = 2;         // command line or configuration
inline constexpr int kExitEnvironment = 3;   // disk, Redis, model, another scheduler …
inline constexpr int kExitStopped = 4;       // stopped before the end; run it again
inline constexpr int kExitKilled = 130;      // hard stop

[[nodiscard]] constexpr int exit_status_of(Errc code) noexcept {
  switch (code) {
    case Errc::usage:
    case Errc::invalid_config:
      return kExitUsage;
    case Errc::cancelled:
      return kExitStopped;
    default:
      return kExitEnvironment;
  }
}

/// Prints "photoscribe VERB: message" to standard error and returns the status.
int report(const char* verb, const Error& error);

}  // namespace photoscribe::cli
