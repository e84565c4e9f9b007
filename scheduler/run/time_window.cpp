#include "scheduler/run/time_window.h"

#include <cmath>
#include <ctime>

namespace photoscribe {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kYear = 366 * kDay;
constexpr int kLookAhead = 49 * 60;  // minutes: two days, and the hour of a change of clocks
constexpr int kDaysLookedAt = 30;    // further away, days count as those seen on average

}  // namespace

int local_minute(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm local{};
  ::localtime_r(&time, &local);
  return local.tm_hour * 60 + local.tm_min;
}

bool is_open(const DayWindow& window, int minute_of_day) {
  const bool after = minute_of_day >= window.from_minute;
  const bool before = minute_of_day < window.to_minute;
  return window.from_minute < window.to_minute ? after && before : after || before;
}

std::int64_t next_change(const DayWindow& window, std::int64_t unix_s, const LocalClock& clock) {
  const bool now = is_open(window, clock(unix_s));
  std::int64_t at = unix_s - unix_s % kMinute;
  for (int i = 0; i < kLookAhead; ++i) {
    at += kMinute;
    if (is_open(window, clock(at)) != now) return at;
  }
  return at;
}

std::optional<std::int64_t> finish_time(const std::optional<DayWindow>& window, std::int64_t unix_s,
                                        double work_s, const LocalClock& clock) {
  if (!(work_s >= 0) || work_s > static_cast<double>(kYear)) return std::nullopt;
  if (!window) return unix_s + static_cast<std::int64_t>(std::ceil(work_s));
  std::int64_t at = unix_s;
  double left = work_s;
  while (at - unix_s < kDaysLookedAt * kDay) {
    const std::int64_t until = next_change(*window, at, clock);
    if (is_open(*window, clock(at))) {
      const auto length = static_cast<double>(until - at);
      if (left <= length) return at + static_cast<std::int64_t>(std::ceil(left));
      left -= length;
    }
    at = until;
  }
  const double per_day = (work_s - left) / kDaysLookedAt;
  const double days = left / per_day;
  if (!(days < 366)) return std::nullopt;
  return at + static_cast<std::int64_t>(std::ceil(days * static_cast<double>(kDay)));
}

}  // namespace photoscribe
