// fetch_rule: what a failed request means: try again, a verdict on the photo, or trouble of the
// server as a whole. Pure.
//
// A server that is down is no photo's fault. A photo whose own requests fail while others of the
// same server are answered is failed, with a reason.
#pragma once

#include <chrono>
#include <optional>

#include "common/core/types.h"
#include "common/remote/http_client.h"

namespace photoscribe {

enum class Blame : std::uint8_t {
  photo,    // another try gives the same
  unclear,  // another try may help; after the last one, whether others are answered decides
  host,     // nobody gets an answer there: the task goes back, and the root waits
  machine,  // of this one
  memory,
};

[[nodiscard]] Blame blame_of(const FetchFailure& failure);

/// The same of a server that has given photos, or has said that there are none: one that has lost
/// its name or its certificate since is down. So is one that may come to have them yet.
[[nodiscard]] Blame blame_at_good_host(const FetchFailure& failure);

/// The reason, if the photo is to blame.
[[nodiscard]] Reason reason_of(const FetchFailure& failure);

/// Whether an answer says that the server as a whole takes no requests now.
[[nodiscard]] bool is_overload(int status);

/// A server may ask for any time; it gets this at most.
inline constexpr std::chrono::seconds kRetryAfterMax{900};

/// Before try number `failures` + 1: backoff with jitter (`unit_random` in [0, 1]), and not before
/// the server asks for it.
[[nodiscard]] std::chrono::milliseconds wait_before_retry(
    int failures, double unit_random, std::optional<std::chrono::seconds> retry_after);

}  // namespace photoscribe
