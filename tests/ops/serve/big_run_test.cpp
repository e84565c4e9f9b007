// A run of hundreds of thousands of photos while it is read the first time.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <future>

#include "tests/ops/serve/serve_process.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class BigRun : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    scan({file("a.jpg")});
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
    const std::string more =
        "INSERT INTO image (run_id, root_id, path, size_bytes, mtime_ns, inode, queue_seq, "
        "settings_id) WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < "
        "400000) SELECT run_id, root_id, CAST('p' || i AS BLOB), 1, 1, i, i, settings_id "
        "FROM image, n WHERE image_id = 1;"
        "UPDATE run_count SET images = 400000; UPDATE run SET queue_end = 400000";
    EXPECT_EQ(sqlite3_exec(db, more.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

/// Milliseconds that `work` takes.
template <class Work>
std::int64_t took_ms(Work&& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

TEST_F(BigRun, Issue16ReadingItKeepsNeitherProbesNorTheEndWaiting) {
  const std::string cache = folder_.file("cache");
  std::filesystem::create_directories(cache);
  std::int64_t whole = 0;
  {
    const ServeProcess server(database(), cache, {});
    whole = took_ms([&] { EXPECT_EQ(server.get("/api/photos?run=1&limit=1")["total"], 400'000); });
  }
  ServeProcess server(database(), cache, {});
  std::vector<std::future<void>> asked;
  for (int i = 0; i < 4; ++i) {
    asked.push_back(std::async(std::launch::async, [&] {
      try {
        (void)server.call({"GET", "/api/photos?run=1&limit=1"});
      } catch (const std::exception&) {  // it has ended meanwhile
      }
    }));
  }
  std::this_thread::sleep_for(50ms);
  const std::int64_t ready = took_ms([&] {
    EXPECT_EQ(server.call({"GET", "/readyz"}).status, 200);
    EXPECT_EQ(server.call({"GET", "/livez"}).status, 200);
    EXPECT_EQ(server.call({"GET", "/metrics"}).status, 200);
  });
  const std::int64_t ended = took_ms([&] { EXPECT_EQ(server.end(), 0); });
  for (auto& one : asked) one.wait();

  ASSERT_GT(whole, 600) << "the run is too small for this test";
  EXPECT_LT(ready, whole / 3);
  EXPECT_LT(ended, whole / 3);
}

}  // namespace
}  // namespace photoscribe::test
