// What a scheduler keeps in Redis beyond the tasks, and what becomes of it when memory is short.
#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "common/core/sha256.h"
#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::HasSubstr;

/// As a worker that has read its photos; each has bytes of its own.
std::string with_hashes(const ResultBatch& batch) {
  ResultBatch hashed = batch;
  for (Result& result : hashed.results) {
    result.content_hash = sha256_of(&result.image_id, sizeof result.image_id);
  }
  return encode_results(hashed);
}

TEST_F(SchedulerTest, RemembersResultsByContentAndAnewAfterAFlush) {
  make_archive(300);
  FakeWorkerSettings hashing;
  hashing.per_batch = milliseconds(5);
  hashing.pack = with_hashes;
  std::int64_t before = 0, after = 0;
  bool flushed = false;
  hashing.finished = [&](std::int64_t published) {
    std::int64_t& most = flushed ? after : before;
    most = std::max(most, server_.number({"HLEN", key("seen")}));
    if (flushed || published < 150) return;
    flushed = true;
    server_.flushall();
  };
  add_worker(hashing);

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  // Every eleventh fails, and what was published last may not be recorded yet.
  EXPECT_GT(before, 60);
  EXPECT_GT(after, 200) << "what was recorded before the flush is remembered again";
  expect_everything_done(300);
}

TEST_F(SchedulerTest, SaysAtOnceThatAFullServerTakesNoResults) {
  make_archive(60);  // all enqueued at once: the scheduler itself has nothing to write
  boost::asio::steady_timer timer(io_);
  int looks = 0;
  std::function<void()> make_room_once_said = [&] {
    timer.expires_after(milliseconds(20));
    timer.async_wait([&](boost::system::error_code) {
      const auto said = Contains(HasSubstr("workers are waiting for Redis to accept results"));
      if (::testing::Matches(said)(events_) || ++looks > 500) {
        server_.command({"CONFIG", "SET", "maxmemory", "0"});
      } else {
        make_room_once_said();
      }
    });
  };
  add_worker(acting_at(16, [&] {
    server_.command({"CONFIG", "SET", "maxmemory", "1"});
    make_room_once_said();
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_LE(looks, 500);
  EXPECT_THAT(events_, Contains(HasSubstr("OOM command not allowed")));
  EXPECT_THAT(events_, Contains(HasSubstr("Redis accepts results again")));
  expect_everything_done(60);
}

TEST_F(SchedulerTest, SaysOnceThatRedisDoesNotRememberAndGoesOn) {
  make_archive(100);
  FakeWorkerSettings hashing;
  hashing.pack = with_hashes;
  // As the rights of an older ACL file would, this refuses that key and no other.
  hashing.finished = [&, done = false](std::int64_t) mutable {
    if (!std::exchange(done, true)) server_.command({"SET", key("seen"), "not a hash"});
  };
  add_worker(hashing);

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  const auto told = HasSubstr("photos with the same bytes are now processed one by one");
  EXPECT_EQ(std::count_if(events_.begin(), events_.end(),
                          [&](const std::string& text) { return ::testing::Matches(told)(text); }),
            1);
  expect_everything_done(100);
}

TEST_F(SchedulerTest, GivesTheMemoryForDoublesBackWhenRedisIsShortOfIt) {
  make_archive(1'500);
  window_ = 100;
  FakeWorkerSettings hashing;
  hashing.pack = with_hashes;
  bool limited = false;
  // Late, so that the limit is not known at the connect and nothing is bounded by it.
  hashing.finished = [&](std::int64_t published) {
    if (limited || published < 100) return;
    limited = true;
    const std::string info = server_.command({"INFO", "memory"});
    const auto at = info.find("used_memory:") + 12;
    const std::int64_t used = std::stoll(info.substr(at, info.find('\r', at) - at));
    // 1,500 results of about 250 bytes do not fit in.
    server_.command({"CONFIG", "SET", "maxmemory", std::to_string(used + 150'000)});
  };
  add_worker(hashing);

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete) << "it would wait for ever";
  stop_workers();

  EXPECT_THAT(events_,
              Contains(HasSubstr("photos with the same bytes are now processed one by one")));
  expect_everything_done(1'500);
}

}  // namespace
}  // namespace photoscribe::test
