// files_progress: progress of an export of many files, on standard error: a live line on a
// terminal, a line every ten seconds elsewhere, nothing if it takes only a moment.
#pragma once

#include <chrono>
#include <cstdint>

namespace photoscribe::cli {

class FilesProgress {
 public:
  explicit FilesProgress(std::int64_t total);
  ~FilesProgress();
  FilesProgress(const FilesProgress&) = delete;
  FilesProgress& operator=(const FilesProgress&) = delete;
  void show(std::int64_t photos, std::int64_t written);

 private:
  using Clock = std::chrono::steady_clock;
  std::int64_t total_;
  bool live_;
  bool drawn_ = false;
  Clock::time_point began_ = Clock::now(), shown_ = began_;
};

}  // namespace photoscribe::cli
