// time_window: whether a run may work now (--between), until when, and when it will be done.
//
// Pure: the time and the local clock are arguments. Hours are those of the wall clock, so a day on
// which summer time begins or ends has an hour more or less of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "common/core/schedule.h"

namespace photoscribe {

/// Minutes after midnight, 0 … 1439, that the local clock shows at a time (seconds since 1970).
using LocalClock = std::function<int(std::int64_t unix_s)>;
/// The clock of this machine (TZ, /etc/localtime).
[[nodiscard]] int local_minute(std::int64_t unix_s);

[[nodiscard]] bool is_open(const DayWindow& window, int minute_of_day);

/// The first full minute after `unix_s` at which is_open() is another. Every window has one within
/// 49 hours, whatever the clock does.
[[nodiscard]] std::int64_t next_change(const DayWindow& window, std::int64_t unix_s,
                                       const LocalClock& clock);

/// When `work_s` seconds of work will be done if it proceeds only while the window is open. None:
/// so far away (a year) that it is as good as unknown.
[[nodiscard]] std::optional<std::int64_t> finish_time(const std::optional<DayWindow>& window,
                                                      std::int64_t unix_s, double work_s,
                                                      const LocalClock& clock);

}  // namespace photoscribe
