#include "common/core/schedule.h"

namespace photoscribe {
namespace {

/// "06:30" → 390, "6:30" too; -1: not a time of day.
int minute_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == 0 || colon > 2 || text.size() != colon + 3) return -1;
  int hour = 0;
  int minute = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == colon) continue;
    if (text[i] < '0' || text[i] > '9') return -1;
    int& number = i < colon ? hour : minute;
    number = number * 10 + (text[i] - '0');
  }
  return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

}  // namespace

Expected<DayWindow> parse_day_window(std::string_view text) {
  const auto dash = text.find('-');
  DayWindow window;
  if (dash != std::string_view::npos) {
    window.from_minute = minute_of(text.substr(0, dash));
    window.to_minute = minute_of(text.substr(dash + 1));
    if (window.from_minute >= 0 && window.to_minute >= 0 &&
        window.from_minute != window.to_minute) {
      return window;
    }
  }
  return fail(Errc::usage, "\"" + std::string(text) +
                               "\" is not a pair of different times of day, such as 22:00-06:00");
}

}  // namespace photoscribe
