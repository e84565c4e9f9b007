// live: the progress of an archive's runs, polled once a second while a page is open.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/core/rate_meter.h"
#include "ops/serve/archive.h"
#include "ops/serve/run_json.h"

namespace photoscribe::serve {

class Live {
 public:
  /// `writer`: the process that writes the database now; none if there is none.
  Live(Archive& archive, std::function<std::optional<std::int64_t>()> writer);
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;
  ~Live();

  /// The newest state as JSON; none if it equals `seen`, which it replaces. Never blocks. Keeps the
  /// polling going for some seconds.
  [[nodiscard]] std::optional<std::string> next(std::string& seen);
  /// Reads the state now.
  [[nodiscard]] Expected<ArchiveNow> poll();
  [[nodiscard]] std::optional<std::int64_t> writer() const { return writer_(); }

 private:
  void work();

  Archive& archive_;
  const std::function<std::optional<std::int64_t>()> writer_;
  std::mutex meters_mutex_;
  std::map<RunId, RateMeter> meters_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::chrono::steady_clock::time_point asked_{};
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace photoscribe::serve
