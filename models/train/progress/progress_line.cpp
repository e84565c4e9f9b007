#include "models/train/progress/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace photoscribe {

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressLine::ProgressLine(std::string what, std::string unit)
    : what_(std::move(what)), unit_(std::move(unit)) {}

void ProgressLine::update(std::int64_t done, std::int64_t all) {
  const auto now = Clock::now();
  if (done_at_start_ < 0) {
    done_at_start_ = done;
    start_ = reported_at_ = now;
  }
  const bool end = done >= all && has_reported_;
  if (now - reported_at_ < std::chrono::seconds(10) && !end) return;
  reported_at_ = now;
  has_reported_ = true;
  const double seconds = std::max(1e-3, std::chrono::duration<double>(now - start_).count());
  const double rate = static_cast<double>(done - done_at_start_) / seconds;
  const std::string left =
      rate > 0 ? ", " + clock_text(static_cast<double>(all - done) / rate) + " left" : "";
  std::fprintf(stderr, "%s: %lld of %lld, %.1f %s/s%s\n", what_.c_str(),
               static_cast<long long>(done), static_cast<long long>(all), rate, unit_.c_str(),
               left.c_str());
}

}  // namespace photoscribe
