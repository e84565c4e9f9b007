// schedule: when and how fast a run goes on, and how it stands beside other runs of the same
// workers.
//
// None of it alters a result, so it may differ with every command. The text of a pair of hours is
// read here; what time it is, is scheduler/run/time_window.h's business.
#pragma once

#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe {

/// Hours of each day in local time, as minutes after midnight; `to` is the first one outside. Over
/// midnight when from > to.
struct DayWindow {
  int from_minute = 0, to_minute = 0;
  bool operator==(const DayWindow&) const = default;
};

/// "22:00-06:00"; fails with usage. Both the same would be never or always: refused.
[[nodiscard]] Expected<DayWindow> parse_day_window(std::string_view text);

struct RunSchedule {
  double rate_per_s = 0;  // photos begun per second, at most; 0: as fast as they go
  std::string between;    // "22:00-06:00"; empty: always
  int weight = 1;         // turns that the run gets from the workers, relative to others
  int priority = 0;       // workers take from a lower one only while the higher have nothing
  std::string on_finish;  // a command, or http(s)://…, called when the run ends; empty: nothing
  bool operator==(const RunSchedule&) const = default;
};

}  // namespace photoscribe
