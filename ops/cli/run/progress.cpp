#include "ops/cli/run/progress.h"

#include <algorithm>
#include <vector>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {
namespace {

using namespace std::chrono_literals;

/// Empty if there are none: most models have no confidence.
std::string unsure_text(const RunProgress& now) {
  return now.unsure > 0 ? grouped(now.unsure) + " unsure" : std::string();
}

int per_cent(const RunProgress& now) {
  return now.total == 0 ? 0 : static_cast<int>(now.finished() * 100 / now.total);
}

std::string bar(const RunProgress& now, std::size_t width) {
  const std::size_t full = now.total == 0
                               ? 0
                               : std::min(width, static_cast<std::size_t>(now.finished()) * width /
                                                     static_cast<std::size_t>(now.total));
  std::string out;
  for (std::size_t i = 0; i < width; ++i) out += i < full ? "━" : "─";
  return out;
}

std::string left_text(const RunProgress& now) {
  if (now.pending == 0) return {};
  if (now.finish_unix_s) {  // minutes: it is an estimate
    return "finished about " + time_text(*now.finish_unix_s * 1'000).substr(0, 16);
  }
  if (!now.left) return {};
  const std::int64_t seconds = now.left->count();  // an estimate: no tenths
  return (seconds < 60 ? std::to_string(seconds) + " s"
                       : duration_text(static_cast<double>(seconds))) +
         " left";
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

/// Before the first result only found photos can be counted.
std::string early_line(const RunProgress& now) {
  if (now.total == 0) {
    return now.found == 0 ? now.phase : now.phase + ": " + grouped(now.found) + " found";
  }
  return now.phase + ": " + counted(now.pending, "photo") + " to do";
}

}  // namespace

std::string live_line(const RunProgress& now, std::size_t width) {
  if (now.total == 0 || now.finished() == 0) return cut_end(early_line(now), width);
  const std::string percent = std::to_string(per_cent(now)) + " %";
  const std::string of = grouped(now.finished()) + "/" + grouped(now.total);
  const std::string done = grouped(now.done) + " done", unsure = unsure_text(now),
                    blurred = grouped(now.blurred) + " blurred",
                    failed = grouped(now.failed) + " failed",
                    rate = rate_text(now.photos_per_s) + " photos/s", left = left_text(now);
  const std::string candidates[] = {
      joined({now.phase + " " + bar(now, 20) + " " + percent, of, done, unsure, blurred, failed,
              rate, left},
             " · "),
      joined({bar(now, 10) + " " + percent, of, done, unsure, blurred, failed, rate, left}, " · "),
      joined({percent, done, unsure, blurred, failed, rate, left}, " · "),
      joined({percent, of, failed, rate, left}, " · "),
      joined({percent, rate, left}, " · "),
      joined({percent, left}, " · "),
  };
  for (const std::string& line : candidates) {
    if (columns(line) <= width) return line;
  }
  return cut_end(percent, width);
}

std::string log_line(const RunProgress& now) {
  if (now.total == 0 || now.finished() == 0) return early_line(now);
  return now.phase + ": " + grouped(now.finished()) + " of " + grouped(now.total) + " (" +
         std::to_string(per_cent(now)) + " %): " +
         joined({grouped(now.done) + " done", unsure_text(now), grouped(now.blurred) + " blurred",
                 grouped(now.failed) + " failed", rate_text(now.photos_per_s) + " photos/s",
                 left_text(now)},
                ", ");
}

ProgressStyle progress_style(bool silent) {
  if (silent) return ProgressStyle::silent;
  return is_terminal(STDERR_FILENO) ? ProgressStyle::live : ProgressStyle::lines;
}

void ProgressPrinter::progress(const RunProgress& now) {
  last_ = now;
  if (style_ == ProgressStyle::live) {
    if (Clock::now() - printed_at_ >= 100ms || now.phase != last_phase_) draw(now);
  } else if (style_ == ProgressStyle::lines && line_is_due(now)) {
    write_all(descriptor_, log_line(now) + "\n");
    printed_at_ = Clock::now();
    last_phase_ = now.phase;
  }
}

bool ProgressPrinter::line_is_due(const RunProgress& now) const {
  if (now.phase != last_phase_) return true;
  return Clock::now() - printed_at_ >= (now.seconds < 300 ? 10s : 60s);
}

void ProgressPrinter::draw(const RunProgress& now) {
  // Leave one column free: a full line would wrap on some terminals.
  const std::size_t width = terminal_columns(descriptor_) - 1;
  write_all(descriptor_, "\r" + live_line(now, width) + "\x1b[K");
  drawn_ = true;
  printed_at_ = Clock::now();
  last_phase_ = now.phase;
}

void ProgressPrinter::event(const Event& event) {
  if (style_ == ProgressStyle::silent && event.level == EventLevel::info) return;
  clear();
  const char* const level = event.level == EventLevel::error     ? "error: "
                            : event.level == EventLevel::warning ? "warning: "
                                                                 : "";
  write_all(descriptor_, level + shown(event.text) + "\n");
  if (style_ == ProgressStyle::live && !last_.phase.empty()) draw(last_);
}

void ProgressPrinter::clear() {
  if (drawn_) write_all(descriptor_, "\r\x1b[K");
  drawn_ = false;
}

}  // namespace photoscribe::cli
