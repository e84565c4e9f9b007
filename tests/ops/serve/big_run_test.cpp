// A run of hundreds of thousands of photos while it is read the first time.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <algorithm>
#include <future>
#include <vector>

#include "tests/ops/serve/serve_process.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

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

/// Whether this call has ended, with an answer or without.
bool has_ended(const std::future<bool>& call) {
  return call.wait_for(0s) == std::future_status::ready;
}

TEST_F(BigRun, Issue16ReadingItKeepsNeitherProbesNorTheEndWaiting) {
  const std::string cache = folder_.file("cache");
  std::filesystem::create_directories(cache);
  ServeProcess server(database(), cache, {});
  std::vector<std::future<bool>> readings;  // true: answered
  for (int i = 0; i < 8; ++i) {
    readings.push_back(std::async(std::launch::async, [&] {
      try {
        return server.call({"GET", "/api/photos?run=1&limit=1"}).status == 200;
      } catch (const std::exception&) {
        return false;  // it has ended meanwhile
      }
    }));
  }
  // Each probe is answered before the readings that were asked for first: one of these may end, and
  // a probe that waited for its turn would come behind all.
  std::this_thread::sleep_for(50ms);
  for (const char* const probe : {"/readyz", "/livez", "/metrics"}) {
    EXPECT_EQ(server.call({"GET", probe}).status, 200);
  }
  EXPECT_FALSE(std::all_of(readings.begin(), readings.end(), has_ended))
      << "the probes waited for a reading, or the run is too small for this test";
  EXPECT_EQ(server.end(), 0);
  const auto answered =
      std::count_if(readings.begin(), readings.end(), [](auto& one) { return one.get(); });
  EXPECT_LT(answered, std::ssize(readings)) << "the end waited for every reading";
}

}  // namespace
}  // namespace photoscribe::test
