// Hours of the day, over midnight and over changes of summer time; photos per second.
#include "scheduler/run/time_window.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>

#include "scheduler/queue/token_bucket.h"
#include "scheduler/run/http_post.h"
#include "scheduler/run/on_finish.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kHour = 3600;

DayWindow hours(const char* text) { return *parse_day_window(text); }

/// The rules of Central Europe, whatever the machine has of time zones.
class Wall : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static std::int64_t at(int month, int day, int hour, int minute = 0, int summer = -1) {
    std::tm local{};
    local.tm_year = 2026 - 1900;
    local.tm_mon = month - 1;
    local.tm_mday = day;
    local.tm_hour = hour;
    local.tm_min = minute;
    local.tm_isdst = summer;
    return std::mktime(&local);
  }
};

TEST(DayWindowText, ReadsHoursAndRefusesTheRest) {
  EXPECT_EQ(hours("22:00-06:30"), (DayWindow{1320, 390}));
  EXPECT_EQ(hours("6:05-7:00"), (DayWindow{365, 420}));
  for (const char* text : {"", "22:00", "22-06", "24:00-06:00", "22:60-06:00", "22:00-22:00",
                           "22:00-06:00x", " 22:00-06:00", "-1:00-06:00", "022:00-06:00"}) {
    EXPECT_FALSE(parse_day_window(text)) << text;
  }
}

TEST(DayWindowText, IsOpenFromItsFirstMinuteToBeforeItsLast) {
  EXPECT_TRUE(is_open(hours("22:00-06:00"), 22 * 60));
  EXPECT_TRUE(is_open(hours("22:00-06:00"), 0));
  EXPECT_TRUE(is_open(hours("22:00-06:00"), 359));
  EXPECT_FALSE(is_open(hours("22:00-06:00"), 360));
  EXPECT_FALSE(is_open(hours("22:00-06:00"), 1319));
  EXPECT_TRUE(is_open(hours("09:00-17:00"), 600));
  EXPECT_FALSE(is_open(hours("09:00-17:00"), 1020));
}

TEST_F(Wall, ChangesAtTheMinute) {
  const DayWindow night = hours("22:00-06:00");
  EXPECT_EQ(next_change(night, at(6, 1, 12, 0) + 17, local_minute), at(6, 1, 22));
  EXPECT_EQ(next_change(night, at(6, 1, 22), local_minute), at(6, 2, 6));
  EXPECT_EQ(next_change(night, at(6, 1, 23, 59), local_minute), at(6, 2, 6));
}

TEST_F(Wall, HasAnHourLessInTheSpringNightAndOneMoreInAutumn) {
  const DayWindow night = hours("22:00-06:00");
  EXPECT_EQ(next_change(night, at(3, 28, 22), local_minute) - at(3, 28, 22), 7 * kHour);
  EXPECT_EQ(next_change(night, at(10, 24, 22), local_minute) - at(10, 24, 22), 9 * kHour);
}

TEST_F(Wall, OpensAtTheFirstMinuteThatIsShownOfHoursThatBeginInTheGap) {
  // 02:30 is not shown on that night: the clock goes from 01:59 to 03:00.
  EXPECT_EQ(next_change(hours("02:30-05:00"), at(3, 29, 1, 0), local_minute), at(3, 29, 3, 0));
}

TEST_F(Wall, OpensTwiceWhereTheClockShowsTheHoursTwice) {
  const DayWindow window = hours("02:00-02:30");
  const std::int64_t first = at(10, 25, 2, 0, 1);
  EXPECT_EQ(next_change(window, first, local_minute), first + kHour / 2);
  EXPECT_EQ(next_change(window, first + kHour / 2, local_minute), first + kHour);
}

TEST_F(Wall, ForecastsTheEndWithinTheHours) {
  const DayWindow night = hours("22:00-06:00");
  const std::int64_t noon = at(6, 1, 12);
  EXPECT_EQ(finish_time(std::nullopt, noon, 90, local_minute), noon + 90);
  EXPECT_EQ(finish_time(night, noon, 2 * kHour, local_minute), at(6, 2, 0));
  EXPECT_EQ(finish_time(night, at(6, 2, 5), 2 * kHour, local_minute), at(6, 2, 23));
  EXPECT_EQ(finish_time(night, noon, 20 * kHour, local_minute), at(6, 4, 2));
  const auto months = finish_time(night, noon, 100 * 8 * kHour, local_minute);
  ASSERT_TRUE(months);
  EXPECT_NEAR(static_cast<double>(*months - noon), 100.0 * 24 * kHour, 48.0 * kHour);
  EXPECT_FALSE(finish_time(night, noon, 1e12, local_minute));
}

TEST(TokenBucket, LetsThroughItsRateAndNoBurstAfterARest) {
  const TokenBucket::Clock::time_point start{};
  TokenBucket bucket(10, start);
  std::int64_t begun = 0;
  for (int ms = 0; ms <= 5'000; ms += 7) {
    const std::int64_t now = bucket.available(start + milliseconds(ms));
    bucket.take(now);
    begun += now;
  }
  EXPECT_NEAR(static_cast<double>(begun), 50, 1);
  EXPECT_EQ(bucket.available(start + seconds(3600)), 10);
}

TEST(TokenBucket, WaitsForWholePhotosAtSlowRates) {
  const TokenBucket::Clock::time_point start{};
  TokenBucket bucket(0.5, start);
  EXPECT_EQ(bucket.available(start + milliseconds(1'999)), 0);
  EXPECT_LE(bucket.wait_for(bucket.worth_it()), milliseconds(2));
  EXPECT_EQ(bucket.available(start + milliseconds(2'000)), 1);
  EXPECT_EQ(bucket.available(start + seconds(100)), 1);
}

TEST(TokenBucket, BoundsWhatWaitsForWorkers) {
  EXPECT_EQ(TokenBucket(1, {}).window(50'000), 64);
  EXPECT_EQ(TokenBucket(100, {}).window(50'000), 1'000);
  EXPECT_EQ(TokenBucket(1e6, {}).window(50'000), 50'000);
}

TEST(OnFinish, SplitsWordsAsDocumentedAndExpandsNothing) {
  EXPECT_THAT(*split_words("  mail -s 'it is $HOME' \"a \\\"b\\\" \\c\" x\\ y '' "),
              ElementsAre("mail", "-s", "it is $HOME", "a \"b\" \\c", "x y", ""));
  EXPECT_THAT(*split_words("a;b|c>d `e` *"), ElementsAre("a;b|c>d", "`e`", "*"));
  for (const char* text : {"", "  ", "'open", "\"open", "''"}) EXPECT_FALSE(split_words(text));
}

TEST(OnFinish, ReadsAddresses) {
  const WebAddress plain = *parse_web_address("http://example.org");
  EXPECT_EQ(plain.host + " " + plain.port + " " + plain.target, "example.org 80 /");
  const WebAddress full = *parse_web_address("https://[::1]:8443/a?b=c#d");
  EXPECT_EQ(full.host + " " + full.port + " " + full.target, "::1 8443 /a?b=c");
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(parse_web_address("http://h?x")->target, "/?x");
  for (const char* text : {"ftp://x/", "http://", "http://h:/", "http://h:99999x/",
                           "http://user:secret@h/", "http://h/a b", "http://h/\r\nX: y"}) {
    EXPECT_FALSE(parse_web_address(text)) << text;
  }
  EXPECT_THAT(parse_web_address("http://user:secret@h/").error().message,
              ::testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace photoscribe
