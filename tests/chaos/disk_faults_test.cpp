// A disk without room, at any moment; a database that is held, read-only, damaged or too new.
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "tests/chaos/chaos.h"
#include "tests/chaos/small_disk.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Everything that the run writes is on a disk of 16 MiB; what it says is kept elsewhere.
class Disk : public Chaos {
 protected:
  void begin_on_small_disk(int photos) {
    std::optional<SmallDisk> made = SmallDisk::over(folder_.path().string(), 16);
    if (!made) GTEST_SKIP() << "mounting a tmpfs is not allowed here: a full disk is NOT tested";
    disk_.emplace(std::move(*made));
    fs::create_directory(this->photos());
    begin(photos);
  }
  void TearDown() override {
    Chaos::TearDown();
    disk_.reset();
  }
  Process start_here() const { return Process(scribe(), said_.path().string()); }
  [[nodiscard]] const SmallDisk& disk() const { return *disk_; }

 private:
  TempDir said_;
  std::optional<SmallDisk> disk_;
};

TEST_F(Disk, FullInMidRunIsWaitedForAndSaidSo) {
  begin_on_small_disk(60);
  if (IsSkipped()) return;
  Process run = start_here();
  ASSERT_TRUE(reached(6));
  disk().fill();
  ASSERT_TRUE(eventually([&] {
    return run.err_so_far().find("waiting until the database can be written") != std::string::npos;
  })) << run.err_so_far();
  EXPECT_NE(run.err_so_far().find("no space is left for the database"), std::string::npos);
  damaged();
  disk().make_room();
  expect_recovery(20s);
  finish(run);
}

// Each step leaves a little more room, so that each write is once the one that fails.
TEST_F(Disk, FullAtAnyWriteLeavesNothingHalfWritten) {
  begin_on_small_disk(12);
  if (IsSkipped()) return;
  int refused = 0, waited = 0;
  for (const int kibibytes : {0, 8, 40, 96, 160, 240, 320, 400, 480, 560, 640, 720, 800, 960}) {
    SCOPED_TRACE(std::to_string(kibibytes) + " KiB were left");
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().starts_with("archive.db")) fs::remove_all(entry.path());
    }
    proxy().forget_finished();
    disk().fill(kibibytes * 1'024);
    Process run = start_here();
    const auto waits = [&] {
      return run.err_so_far().find("waiting until the database can be written") !=
             std::string::npos;
    };
    ASSERT_TRUE(eventually([&] { return run.ended() || waits(); })) << run.err_so_far();
    if (!run.ended()) {
      ++waited;
      disk().make_room();
      finish(run);
      continue;
    }
    disk().make_room();
    const Finished got = run.wait();
    if (got.exit_status != 0) {
      ++refused;
      EXPECT_EQ(got.exit_status, 3);
      EXPECT_NE(got.err.find("space"), std::string::npos) << got.err;
    }
    Process again = start_here();
    finish(again);
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(waited, 0);
}

class Database : public Disk {
 protected:
  using Handle = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
  [[nodiscard]] Handle open() const {
    sqlite3* raw = nullptr;
    EXPECT_EQ(sqlite3_open(database().c_str(), &raw), SQLITE_OK);
    return {raw, sqlite3_close_v2};
  }
  static void execute(const Handle& handle, const char* sql) {
    EXPECT_EQ(sqlite3_exec(handle.get(), sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle.get());
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream file(database(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void run_to_the_end() {
    Process run = start();
    finish(run);
  }
  /// The next run is refused, with these words.
  void expect_refused(const std::string& words) {
    add_photos(1, photo_count());
    const Finished got = run_photos({"--redis", proxy().url()});
    EXPECT_EQ(got.exit_status, 3);
    EXPECT_NE(got.err.find(words), std::string::npos) << got.err;
  }
};

TEST_F(Database, HeldByAnotherProgramIsWaitedFor) {
  begin(60);
  Process run = start();
  ASSERT_TRUE(reached(6));
  const Handle other = open();
  sqlite3_busy_timeout(other.get(), 10'000);
  execute(other, "BEGIN IMMEDIATE");
  damaged();
  ASSERT_TRUE(eventually([&] {
    return run.err_so_far().find("another program holds the database") != std::string::npos;
  })) << run.err_so_far();
  execute(other, "ROLLBACK");
  expect_recovery(20s);
  finish(run);
}

TEST_F(Database, OnADiskThatBecameReadOnlyIsRefusedWithAdvice) {
  begin_on_small_disk(8);
  if (IsSkipped()) return;
  Process run = start_here();
  finish(run);
  add_photos(1, photo_count());
  ASSERT_TRUE(disk().make_read_only());
  Process again = start_here();
  const Finished got = again.wait();
  EXPECT_EQ(got.exit_status, 3);
  EXPECT_NE(got.err.find("fix its permissions"), std::string::npos) << got.err;
}

TEST_F(Database, WithADamagedPageIsRefusedAndNotTouched) {
  begin(8);
  run_to_the_end();
  const long long page =
      std::stoll(query_one(database(), "SELECT rootpage FROM sqlite_master WHERE name = 'image'"));
  const long long size = std::stoll(query_one(database(), "PRAGMA page_size"));
  {
    std::fstream file(database(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp((page - 1) * size);
    file << std::string(static_cast<std::size_t>(size), '\xff');
  }
  const std::string before = bytes();
  expect_refused("the database is damaged");
  EXPECT_EQ(bytes(), before) << "what could still be saved was written over";
}

TEST_F(Database, OfANewerSchemaIsRefused) {
  begin(8);
  run_to_the_end();
  execute(open(),
          "CREATE TEMP TABLE next AS SELECT * FROM migration ORDER BY number DESC LIMIT 1;"
          "UPDATE next SET number = number + 1, name = 'of_tomorrow';"
          "INSERT INTO migration SELECT * FROM next");
  expect_refused("was written by a newer photoscribe");
}

}  // namespace
}  // namespace photoscribe::test
