// run_batch_fixture: a folder of files that pass for photos, and a run over them with child
// processes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/process/process_info.h"
#include "scheduler/run/run_batch.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

/// Remembers what it was told, and calls `act` at every progress report, `heard` at every
/// event.
class Watcher : public RunObserver {
 public:
  void progress(const RunProgress& now) override {
    last = now;
    phases.insert(now.phase);
    if (act) act(now);
  }
  void event(const Event& event) override {
    events.push_back(event.text);
    if (heard) heard(event.text);
  }

  RunProgress last;
  std::set<std::string> phases;
  std::vector<std::string> events;
  std::function<void(const RunProgress&)> act;
  std::function<void(const std::string&)> heard;
};

class RunBatch : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_.path() / "photos");
    ::setenv("XDG_STATE_HOME", folder_.file("state").c_str(), 1);  // not the one of who tests
  }

  void add_photos(int from, int to) const {
    for (int i = from; i < to; ++i) {
      folder_.write("photos/p" + std::to_string(i) + ".jpg", "bytes " + std::to_string(i));
    }
  }

  RunRequest request() const {
    RunRequest made;
    made.photos = {folder_.file("photos")};
    made.database = folder_.file("archive.db");
    made.model_folder = folder_.file("model");
    made.settings.model_hash = std::string(64, 'a');
    made.settings.model_name = "test";
    made.worker_executable = PHOTOSCRIBE_FAKE_WORKER;
    made.lease.lease_ms = 300;
    made.lease.beat_ms = 20;
    made.batch = 8;
    return made;
  }

  /// A request whose workers take 150 ms for a batch until hurry(): a test that does something in
  /// the middle of a run has seconds for it, however busy the machine is.
  RunRequest slow_request() const {
    RunRequest made = request();
    made.worker_arguments = slow_until_hurry();
    return made;
  }
  std::vector<std::string> slow_until_hurry() const {
    return {"--slow-ms", "150", "--slow-while", folder_.write("slow", "")};
  }
  void hurry() const { std::filesystem::remove(folder_.file("slow")); }

  RunSummary run(const RunRequest& request) {
    StopHandle stop;
    Expected<RunSummary> summary = run_batch(request, watcher_, stop);
    if (!summary) throw std::runtime_error(summary.error().message);
    return *summary;
  }

  /// Processes of this test's state folder, as their notes and /proc name them.
  pid_t private_redis() const {
    std::ifstream note(folder_.file("archive.db.state/redis.process"));
    pid_t last = -1;
    for (std::string line; std::getline(note, line);) {
      if (line.rfind("process ", 0) == 0) last = process_from_line(line.substr(8))->pid;
    }
    return last;
  }
  std::vector<pid_t> workers() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream in(entry.path() / "cmdline");
      std::string line;
      std::getline(in, line);  // an iterator would throw where the process has just ended
      const bool ours = line.find(folder_.path().string()) != std::string::npos &&
                        line.rfind(PHOTOSCRIBE_FAKE_WORKER, 0) == 0;
      if (ours) found.push_back(static_cast<pid_t>(std::stol(name)));
    }
    return found;
  }

  TempDir folder_;
  Watcher watcher_;
};

}  // namespace photoscribe::test
