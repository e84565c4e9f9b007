// errors: what an error reply of Redis means for us.
//
// Pure functions; the first word of the reply decides (style.md 3: retry by type, not by mood).
#pragma once

#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe::redis {

/// Transient words (LOADING, OOM, MISCONF, READONLY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN, BUSY,
/// NOREPLICAS, UNBLOCKED by a failover, "max number of clients") -> redis_unavailable; NOGROUP, our
/// scripts' RUNGONE, WRONGTYPE and UNBLOCKED by a deleted stream -> run_gone; anything else ->
/// redis_refused, with a cure for WRONGPASS, NOAUTH, NOPERM and unknown commands. Redis 6.2 wraps
/// errors inside scripts in "ERR Error running script": the inner word counts.
[[nodiscard]] Error error_of_reply(std::string_view reply_text, std::string_view operation);

/// Whether a key was of another type than the command is for: run_gone for keys of a run.
[[nodiscard]] bool is_wrong_type(const Error& error) noexcept;

/// The same of a key that all runs share: nothing that we could make anew.
[[nodiscard]] Error foreign_key(const std::string& key);

}  // namespace photoscribe::redis
