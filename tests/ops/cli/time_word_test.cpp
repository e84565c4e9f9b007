#include "ops/cli/terminal/time_word.h"

#include <gmock/gmock.h>

namespace photoscribe::cli {
namespace {

std::string span(const std::string& word) {
  constexpr std::time_t kNow = 1'600'000'000;
  const auto begin = time_word_begin(word, kNow), end = time_word_end(word, kNow);
  if (!begin || !end) return "not a time";
  return std::to_string((*end - *begin) / 60'000) + " min";
}

TEST(TimeWord, IsAsLongAsItIsExact) {
  EXPECT_EQ(span("2019"), std::to_string(365 * 1'440) + " min");
  EXPECT_EQ(span("2020"), std::to_string(366 * 1'440) + " min");
  EXPECT_EQ(span("2019-02-01"), "1440 min");
  EXPECT_EQ(span("2019-12-31"), "1440 min");
  EXPECT_EQ(span("2020-02-29"), "1440 min");
  EXPECT_EQ(span("2019-02-01T18:05"), "1 min");
  EXPECT_EQ(span("2019-02-01 18:05"), "1 min");
  EXPECT_EQ(span("7d"), "0 min");
  EXPECT_EQ(time_word_begin("2d", 1'600'000'000).value(), (1'600'000'000LL - 172'800) * 1'000);
}

TEST(TimeWord, RefusesAnythingElse) {
  for (const char* word :
       {"", "x", "2019-13", "2019-1-1x", "2019-01-01T18", "99", "-3d", "3 d", "2019-", "0000",
        "2019-01-32", "2019-01-01T24:00", "2019-02-29", "2019-04-31"})
    EXPECT_EQ(span(word), "not a time") << word;
}

}  // namespace
}  // namespace photoscribe::cli
