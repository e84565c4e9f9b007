// What a worker counts while it works, as its /metrics tells it.
#include <gmock/gmock.h>

#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Every seventh is cut short, every fifth blurred.
LoadOutcome mixed(const Task& task) {
  if (task.image_id % 7 == 0) {
    LoadFailed cut;
    cut.failed = {Reason::truncated, "cut"};
    cut.times = {3'000, 0, 0};
    return cut;
  }
  LoadOutcome loaded = clear_photo(task);
  auto& photo = std::get<LoadedPhoto>(loaded);
  photo.times = {2'000, 30'000, 0};
  photo.blur_us = 10'000;
  if (task.image_id % 5 == 0) photo.network_input.reset();
  return loaded;
}

TEST_F(ConsumerTest, CountsWhatItDoesForPrometheus) {
  const auto run = make_run(70);  // 10 cut, 12 blurred
  const auto one = worker(mixed);
  (void)await_results(run, 70);
  ASSERT_TRUE(eventually([&] { return tasks_left(run) == 0; }));
  ASSERT_TRUE(eventually(
      [&] { return one.metrics().find("photoscribe_redis_up 1\n") != std::string::npos; }));
  const std::string text = one.metrics();

  EXPECT_THAT(
      text,
      AllOf(
          HasSubstr("photoscribe_worker_photos_total{outcome=\"captioned\"} 48\n"),
          HasSubstr("photoscribe_worker_photos_total{outcome=\"blurred\"} 12\n"),
          HasSubstr("photoscribe_worker_photos_total{outcome=\"failed\"} 10\n"),
          HasSubstr("photoscribe_worker_failures_total{reason=\"truncated\"} 10\n"),
          HasSubstr("photoscribe_worker_failures_total{reason=\"timeout\"} 0\n"),
          HasSubstr("photoscribe_worker_stage_seconds_count{stage=\"read\"} 70\n"),
          HasSubstr("photoscribe_worker_stage_seconds_count{stage=\"decode\"} 60\n"),
          HasSubstr("photoscribe_worker_stage_seconds_bucket{stage=\"decode\",le=\"0.025\"} 60\n"),
          HasSubstr("photoscribe_worker_stage_seconds_bucket{stage=\"blur\",le=\"0.01\"} 60\n"),
          HasSubstr("photoscribe_worker_batch_photos_sum 48\n")));
  EXPECT_THAT(text, AllOf(HasSubstr("photoscribe_worker_info{device=\"cpu\",model=\"\",model_hash="
                                    "\"" +
                                    kModelHash + "\",precision=\"float32\"} 1\n"),
                          HasSubstr("photoscribe_redis_up 1\n"),
                          HasSubstr("photoscribe_worker_retries_total 0\n"),
                          HasSubstr("process_resident_memory_bytes ")));
  for (const char* stage : {"fetch", "publish"}) {
    EXPECT_THAT(text, testing::Not(HasSubstr(std::string("stage_seconds_count{stage=\"") + stage +
                                             "\"} 0\n")));
  }
}

TEST_F(ConsumerTest, CountsWhatItTakesFromTheDead) {
  const auto run = make_run(5);
  redis::WorkerQueue dead(connection);
  (void)ok(dead.beat(run, "dead", 1));
  const auto taken = ok(dead.read_tasks(run, "dead", 5));
  std::vector<redis::EntryId> in_hand{taken.front().id};
  (void)ok(dead.start(run, "dead", 1, in_hand));
  const auto one = worker();
  (void)await_results(run, 5);

  EXPECT_TRUE(eventually([&] {
    const std::string text = one.metrics();
    return text.find("reclaims_total{verdict=\"claimed\"} 1\n") != std::string::npos &&
           text.find("reclaims_total{verdict=\"released\"} 4\n") != std::string::npos;
  })) << one.metrics();
}

TEST_F(ConsumerTest, SaysThatRedisIsGone) {
  const auto one = worker();
  ASSERT_TRUE(eventually(
      [&] { return one.metrics().find("photoscribe_redis_up 1\n") != std::string::npos; }));
  server.kill();
  EXPECT_TRUE(eventually(
      [&] { return one.metrics().find("photoscribe_redis_up 0\n") != std::string::npos; }));
}

}  // namespace
}  // namespace photoscribe
