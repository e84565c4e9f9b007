// scheduler_fixture: a manifest of made-up photos in a real database, a real server, and a
// scheduler with fake workers between them, all on one io_context.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/queue/scheduler.h"
#include "tests/scheduler/process/fake_worker.h"
#include "tests/support/must.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::test {

/// A worker that calls `act` once, when `at` results are published.
inline FakeWorkerSettings acting_at(std::int64_t at, std::function<void()> act) {
  FakeWorkerSettings settings;
  settings.finished = [at, act = std::move(act), done = false](std::int64_t published) mutable {
    if (done || published < at) return;
    done = true;
    act();
  };
  return settings;
}

class SchedulerTest : public ::testing::Test {
 protected:
  static constexpr int kLeaseMs = 200;

  /// A database with one run of `count` pending photos.
  void make_archive(int count) {
    store_ = std::make_unique<Store>(must(Store::open_writer(folder_.file("archive.db"))));
    RunSettings settings;
    settings.model_hash = std::string(64, 'a');
    run_ = must(store_->ensure_run("default", settings)).run.id;
    std::vector<FoundFile> files;
    for (int i = 0; i < count; ++i) {
      FoundFile file;
      file.path = "photo-" + std::to_string(i) + ".jpg";
      file.size_bytes = 1'000 + i;
      file.mtime_ns = 5;
      file.inode = i;
      files.push_back(file);
    }
    std::vector<Root> roots(1);
    roots[0].name = "photos";
    roots[0].folder = "/photos";
    Scan scan = must(store_->begin_scan(run_, roots));
    must(scan.add(files));
    const std::vector<Scan::Walked> everything(1);
    must(scan.finish(everything, {}));
  }

  SchedulerSettings settings() const {
    SchedulerSettings made;
    made.run = run_;
    made.endpoint = must(redis::parse_endpoint(server_.url()));
    made.window = window_;
    made.spec.run = "default";
    made.spec.settings.model_hash = std::string(64, 'a');
    made.spec.lease.lease_ms = kLeaseMs;
    made.spec.lease.beat_ms = 20;
    made.spec.roots.push_back("photos");
    if (spec_timeout_s_) made.spec.settings.limits.image_timeout_s = *spec_timeout_s_;
    made.first_connect = std::chrono::milliseconds(2'000);
    made.idle_poll_max = std::chrono::milliseconds(5);
    return made;
  }

  FakeWorker& add_worker(FakeWorkerSettings worker = {}) {
    worker.url = server_.url();
    worker.lease = std::chrono::milliseconds(kLeaseMs);
    workers_.push_back(std::make_unique<FakeWorker>(io_, std::move(worker)));
    boost::asio::co_spawn(io_, workers_.back()->work(), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    return *workers_.back();
  }

  void make_scheduler() {
    if (!store_thread_) store_thread_ = std::make_unique<StoreThread>(*store_);
    scheduler_.reset();
    scheduler_ = std::make_unique<Scheduler>(io_, *store_thread_, settings(),
                                             [this](const Event& e) { events_.push_back(e.text); });
  }

  /// Runs the scheduler to its end; workers go on until stop_workers().
  SchedulerEnd run_scheduler() {
    if (!scheduler_) make_scheduler();
    return must(run(io_, scheduler_->run()));
  }

  void stop_workers() {
    for (const auto& worker : workers_) worker->stop();
    io_.restart();
    io_.run();
    workers_.clear();
  }

  /// Every image has exactly one final result, Redis holds nothing of the run any more.
  void expect_everything_done(int count) {
    const RunCounts counts = must(store_->counts(run_));
    EXPECT_EQ(counts.asked.pending, 0);
    EXPECT_EQ(counts.asked.total(), count);
    EXPECT_EQ(sql("SELECT COUNT(*) FROM caption_result WHERE state = 'pending'"), "0");
    EXPECT_EQ(sql("SELECT COUNT(*) FROM image JOIN result USING (image_id, attempt) WHERE "
                  "image.state = 'done' AND result.caption <> 'photo ' || image_id"),
              "0");  // nobody has another photo's caption
    EXPECT_EQ(server_.command({"KEYS", "photoscribe:*"}), "[]");
  }

  /// First column of the first row, by a connection of its own.
  std::string sql(const std::string& query) const {
    sqlite3* db = nullptr;
    std::string value = "(no row)";
    sqlite3_open_v2(folder_.file("archive.db").c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, query.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      value = sqlite3_errmsg(db);
    } else if (sqlite3_step(statement) == SQLITE_ROW) {
      const unsigned char* text = sqlite3_column_text(statement, 0);
      value = text != nullptr ? reinterpret_cast<const char*>(text) : "(null)";
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
  }

  std::string key(const std::string& part) const {
    const RunRow row = must(Store::open_reader(folder_.file("archive.db"))->run(run_));
    return "photoscribe:{" + row.incarnation.value_or("none") + "}:" + part;
  }

  TempDir folder_;
  RedisServer server_{redis_options_};
  RunId run_ = 0;
  std::int64_t window_ = 64;
  std::optional<int> spec_timeout_s_;  // other settings than a run had before
  std::unique_ptr<Store> store_;
  boost::asio::io_context io_{1};
  std::unique_ptr<StoreThread> store_thread_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<FakeWorker>> workers_;
  std::vector<std::string> events_;

 private:
  static inline const RedisOptions redis_options_ = [] {
    RedisOptions options;
    options.aof = true;
    return options;
  }();
};

}  // namespace photoscribe::test
