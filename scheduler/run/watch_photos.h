// watch_photos: adds to a run's manifest what comes into its folders while it runs (`run --watch`).
//
// One thread: it hears of files that are closed or moved in (folder_watch.h), waits until they are
// complete (settling.h), and adds them as a scan does. What it may have missed it finds by walking
// the folders: at the start, after lost events, and every so often. An archive is found by such a
// walk, soon after it is complete. Marks nothing as vanished.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/core/file_descriptor.h"
#include "scheduler/queue/store_thread.h"
#include "scheduler/run_events.h"
#include "scheduler/sources/folder_watch.h"
#include "scheduler/sources/settling.h"
#include "scheduler/sources/sources.h"

namespace photoscribe {

struct WatchSettings {
  RunId run = 0;
  SourcePlan plan;  // its folders are watched
  WalkOptions options;
  std::chrono::seconds rescan_every{600};
  /// Where not every folder can be watched.
  std::chrono::seconds rescan_when_deaf{60};
};

class PhotoWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// Called on the watch's own thread: the counts of the run after photos were added, and what a
  /// person should know.
  struct Calls {
    std::function<void(const RunCounts&)> added;
    Say say;
  };

  /// Begins. `store` must outlive this. Fails with environment.
  [[nodiscard]] static Expected<std::unique_ptr<PhotoWatch>> start(WatchSettings settings,
                                                                   StoreThread& store, Calls calls);
  PhotoWatch(const PhotoWatch&) = delete;
  PhotoWatch& operator=(const PhotoWatch&) = delete;
  /// Waits for the thread.
  ~PhotoWatch();

 private:
  PhotoWatch(WatchSettings settings, StoreThread& store, Calls calls, FolderWatch folders,
             Pipe stop);
  void loop();
  void watch_folders();
  [[nodiscard]] bool wait(Clock::time_point until);
  void take_in(const FolderWatch::Heard& heard, Clock::time_point now);
  [[nodiscard]] bool is_photo(const std::string& path) const;
  [[nodiscard]] bool is_archive(const std::string& path) const;
  [[nodiscard]] bool is_settled(const std::string& path, const FoundFile& file);
  [[nodiscard]] bool is_left_to_settle(const FoundFile& file);
  [[nodiscard]] bool must_stop() const;
  [[nodiscard]] std::optional<FoundFile> found_file(const std::string& path) const;
  void rescan();
  [[nodiscard]] bool walk_once();
  /// False: tried again later.
  [[nodiscard]] bool add(const std::vector<FoundFile>& files);
  void warn(std::string text) const;

  const WatchSettings settings_;
  StoreThread& store_;
  const Calls calls_;
  FolderWatch folders_;
  Settling settling_;
  std::set<std::string> closed_;  // archives that were heard to be complete
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> looked_at_;  // size and mtime
  bool unsettled_ = false;                                                  // an archive was left
  Pipe stop_;
  bool deaf_ = false;
  Clock::time_point rescan_at_{};
  std::thread thread_;  // last: it uses the rest
};

}  // namespace photoscribe
