// window: how many more tasks may be put into Redis now, and how many results may be remembered
// there.
//
// The window bounds two numbers at once (protocol.md H6): the length of the tasks stream, and what
// is enqueued and not yet recorded in SQLite. With the first alone a slow disk would let the
// results stream grow without end, and a loss of Redis would enqueue more than a window.
#pragma once

#include <algorithm>
#include <cstdint>

namespace photoscribe {

/// Tasks that fit: never negative, never more than `chunk_max` (what one command should carry).
[[nodiscard]] constexpr std::int64_t window_room(std::int64_t window, std::int64_t tasks_length,
                                                 std::int64_t outstanding, std::int64_t chunk_max) {
  const std::int64_t room = window - std::max(tasks_length, outstanding);
  return std::clamp<std::int64_t>(room, 0, chunk_max);
}

/// Results of one of two generations (SchedulerQueue::note_seen): half of `remembered_max`, or of
/// what a quarter of the server's memory limit holds (0: it has none). 0: nothing is remembered.
[[nodiscard]] constexpr std::int64_t generation_of(std::int64_t remembered_max,
                                                   std::int64_t memory_max_bytes) {
  constexpr std::int64_t kBytesEach = 300;  // with a caption of usual length
  if (memory_max_bytes > 0) {
    remembered_max = std::min(remembered_max, memory_max_bytes / 4 / kBytesEach);
  }
  return std::max<std::int64_t>(0, remembered_max / 2);
}

}  // namespace photoscribe
