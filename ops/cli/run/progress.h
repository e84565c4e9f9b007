// progress: what `photoscribe run` shows on standard error while it works.
//
// On a terminal one live line, redrawn a few times a second and removed at the end; on a pipe a
// line now and then, less often as the run gets longer; or only warnings.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "scheduler/run_events.h"

namespace photoscribe::cli {

/// The live line, in at most `width` columns: the less important parts are dropped first.
[[nodiscard]] std::string live_line(const RunProgress& now, std::size_t width);

/// The line for a log: all parts, however long.
[[nodiscard]] std::string log_line(const RunProgress& now);

enum class ProgressStyle {
  live,    // for a terminal
  lines,   // for a pipe or a file
  silent,  // events of level warning and error only
};

/// The style for standard error.
[[nodiscard]] ProgressStyle progress_style(bool silent);

class ProgressPrinter : public RunObserver {
 public:
  ProgressPrinter(int descriptor, ProgressStyle style) : descriptor_(descriptor), style_(style) {}
  ~ProgressPrinter() override { clear(); }
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;

  void progress(const RunProgress& now) override;
  void event(const Event& event) override;
  /// Removes the live line. Safe to call at any time.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const RunProgress& now);
  [[nodiscard]] bool line_is_due(const RunProgress& now) const;

  int descriptor_;
  ProgressStyle style_;
  bool drawn_ = false;
  RunProgress last_;
  std::string last_phase_;
  std::chrono::time_point<Clock> printed_at_{};
};

}  // namespace photoscribe::cli
