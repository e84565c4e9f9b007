#include "common/remote/fetch_rule.h"

#include <algorithm>

#include "common/async/backoff.h"

namespace photoscribe {
namespace {

constexpr BackoffSettings kBetweenTries{std::chrono::milliseconds(300),
                                        std::chrono::milliseconds(5'000)};

Reason reason_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
    case 451:
      return Reason::http_403;
    case 404:
    case 410:
      return Reason::http_404;
    default:
      return status >= 500 ? Reason::http_5xx : Reason::http_other;
  }
}

bool is_worth_a_retry(int status) {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

}  // namespace

bool is_overload(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

Blame blame_of(const FetchFailure& failure) {
  switch (failure.what) {
    case FetchError::status:
      return is_worth_a_retry(failure.status) ? Blame::unclear : Blame::photo;
    case FetchError::cut:
    case FetchError::slow:
      return Blame::unclear;
    case FetchError::resolver:
    case FetchError::unreachable:
    case FetchError::account:
      return Blame::host;
    case FetchError::machine:
      return Blame::machine;
    case FetchError::memory:
      return Blame::memory;
    default:
      return Blame::photo;
  }
}

Blame blame_at_good_host(const FetchFailure& failure) {
  const bool was_good = failure.what == FetchError::no_such_host || failure.what == FetchError::tls;
  if (!was_good) return blame_of(failure);
  return failure.redirected ? Blame::unclear : Blame::host;
}

Reason reason_of(const FetchFailure& failure) {
  switch (failure.what) {
    case FetchError::status:
      return reason_of_status(failure.status);
    case FetchError::no_such_host:
    case FetchError::resolver:
      return Reason::dns;
    case FetchError::tls:
      return Reason::tls;
    case FetchError::cut:
      return Reason::truncated;
    case FetchError::slow:
      return Reason::too_slow;
    case FetchError::too_large:
      return Reason::too_large;
    case FetchError::not_public:
      return Reason::private_address;
    case FetchError::redirect:
      return Reason::http_other;
    default:
      return Reason::unreadable;
  }
}

std::chrono::milliseconds wait_before_retry(int failures, double unit_random,
                                            std::optional<std::chrono::seconds> retry_after) {
  const std::chrono::milliseconds own = backoff(failures, unit_random, kBetweenTries);
  if (!retry_after) return own;
  const std::chrono::milliseconds asked = std::min(*retry_after, kRetryAfterMax);
  return std::max(own, asked);
}

}  // namespace photoscribe
