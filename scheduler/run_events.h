// run_events: what a run reports while it works (RunObserver), and how it is asked to stop
// (StopHandle). The bottom of the folder: it includes nothing of ours.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace photoscribe {

/// A moment of the run. Numbers are of the whole run, not of this call only.
struct RunProgress {
  std::string phase;       // "looking for photos", "starting", "captioning", "finishing" …
  std::int64_t found = 0;  // while looking: photos seen so far
  std::int64_t total = 0, done = 0, unsure = 0, blurred = 0, failed = 0, pending = 0;
  [[nodiscard]] std::int64_t finished() const { return done + unsure + blurred + failed; }
  double photos_per_s = 0;                    // over the last half minute
  std::optional<std::chrono::seconds> left;   // none while it is unknown
  std::optional<std::int64_t> finish_unix_s;  // forecast of a run that keeps hours
  int workers_alive = 0;
  double seconds = 0;  // since the call began
};

enum class EventLevel : std::uint8_t { info, warning, error };
struct Event {
  EventLevel level = EventLevel::info;
  std::string text;  // one line: "worker 1 ended (signal 9): started again"
};

/// Where events go.
using Say = std::function<void(const Event&)>;

/// Called with progress and events, on the thread that called run_batch(), a few times a second at
/// most. Must not throw and should return at once.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void progress(const RunProgress& now) = 0;
  virtual void event(const Event& event) = 0;
};

/// Asks a run to stop. The first request drains: nothing new is started, workers hand back what
/// they have not started, finished results are recorded. The second ends everything at once. Both
/// keep what is in SQLite. request() is safe in a signal handler and from any thread.
class StopHandle {
 public:
  StopHandle() = default;
  StopHandle(const StopHandle&) = delete;
  StopHandle& operator=(const StopHandle&) = delete;

  void request() noexcept { requests_.fetch_add(1, std::memory_order_relaxed); }
  /// 0: continue; 1: drain; 2 or more: end at once.
  [[nodiscard]] int requests() const noexcept { return requests_.load(std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<int>::is_always_lock_free);
  std::atomic<int> requests_{0};
};

}  // namespace photoscribe
