#include "common/remote/fetch_rule.h"

#include <gtest/gtest.h>

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

FetchFailure status(int number) {
  FetchFailure failure;
  failure.status = number;
  return failure;
}
FetchFailure other(FetchError what) {
  FetchFailure failure;
  failure.what = what;
  return failure;
}

TEST(FetchRule, SaysWhoIsToBlame) {
  for (const int final : {400, 401, 403, 404, 405, 410, 451, 204, 206, 304})
    EXPECT_EQ(blame_of(status(final)), Blame::photo) << final;
  for (const int again : {408, 425, 429, 500, 502, 503, 504, 520})
    EXPECT_EQ(blame_of(status(again)), Blame::unclear) << again;
  EXPECT_EQ(blame_of(other(FetchError::cut)), Blame::unclear);
  EXPECT_EQ(blame_of(other(FetchError::slow)), Blame::unclear);
  EXPECT_EQ(blame_of(other(FetchError::unreachable)), Blame::host);
  EXPECT_EQ(blame_of(other(FetchError::resolver)), Blame::host);
  EXPECT_EQ(blame_of(other(FetchError::account)), Blame::host);
  EXPECT_EQ(blame_of(other(FetchError::machine)), Blame::machine);
  EXPECT_EQ(blame_of(other(FetchError::memory)), Blame::memory);
  for (const FetchError final : {FetchError::no_such_host, FetchError::tls, FetchError::redirect,
                                 FetchError::not_public, FetchError::too_large})
    EXPECT_EQ(blame_of(other(final)), Blame::photo);
}

TEST(FetchRule, AServerThatAnsweredBeforeIsDownWithoutNameOrCertificate) {
  for (const FetchError lost : {FetchError::no_such_host, FetchError::tls}) {
    FetchFailure failure = other(lost);
    EXPECT_EQ(blame_at_good_host(failure), Blame::host);
    failure.redirected = true;  // perhaps another server's: whether others come decides
    EXPECT_EQ(blame_at_good_host(failure), Blame::unclear);
  }
  for (const FetchError same : {FetchError::redirect, FetchError::not_public, FetchError::cut,
                                FetchError::unreachable, FetchError::memory})
    EXPECT_EQ(blame_at_good_host(other(same)), blame_of(other(same)));
  EXPECT_EQ(blame_at_good_host(status(404)), Blame::photo);
}

TEST(FetchRule, NamesTheReason) {
  EXPECT_EQ(reason_of(status(401)), Reason::http_403);
  EXPECT_EQ(reason_of(status(451)), Reason::http_403);
  EXPECT_EQ(reason_of(status(410)), Reason::http_404);
  EXPECT_EQ(reason_of(status(500)), Reason::http_5xx);
  EXPECT_EQ(reason_of(status(418)), Reason::http_other);
  EXPECT_EQ(reason_of(other(FetchError::redirect)), Reason::http_other);
  EXPECT_EQ(reason_of(other(FetchError::no_such_host)), Reason::dns);
  EXPECT_EQ(reason_of(other(FetchError::tls)), Reason::tls);
  EXPECT_EQ(reason_of(other(FetchError::slow)), Reason::too_slow);
  EXPECT_EQ(reason_of(other(FetchError::cut)), Reason::truncated);
  EXPECT_EQ(reason_of(other(FetchError::not_public)), Reason::private_address);
}

TEST(FetchRule, WaitsLongerEachTimeAndAsLongAsTheServerAsks) {
  EXPECT_EQ(wait_before_retry(1, 1, {}), 300ms);
  EXPECT_EQ(wait_before_retry(1, 0, {}), 150ms);
  EXPECT_EQ(wait_before_retry(3, 1, {}), 1'200ms);
  EXPECT_EQ(wait_before_retry(20, 1, {}), 5'000ms);
  EXPECT_EQ(wait_before_retry(1, 1, 7s), 7s);
  EXPECT_EQ(wait_before_retry(1, 1, 86'400s), 900s) << "no server may ask for a day";
}

}  // namespace
}  // namespace photoscribe
