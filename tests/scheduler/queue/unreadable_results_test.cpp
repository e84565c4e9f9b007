// Workers whose results cannot be read: what is kept, and that it ends.
#include <limits>

#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::HasSubstr;

using UnreadableResultsTest = SchedulerTest;

/// A worker that packs a value which no result may have for this photo.
FakeWorkerSettings breaking(std::int64_t image_id) {
  FakeWorkerSettings settings;
  settings.pack = [image_id](ResultBatch batch) {
    for (Result& result : batch.results) {
      auto* done = std::get_if<Captioned>(&result.outcome);
      if (result.image_id == image_id && done != nullptr) {
        done->caption.log_prob = std::numeric_limits<double>::quiet_NaN();
      }
    }
    return encode_results(batch);
  };
  return settings;
}

TEST_F(UnreadableResultsTest, FailTheirPhotoAtTheThirdTimeAndCostTheOthersNothing) {
  make_archive(100);
  FakeWorker& worker = add_worker(breaking(5));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  const auto computed = worker.computed();
  stop_workers();

  expect_everything_done(100);
  for (const auto& [image, times] : computed) EXPECT_EQ(times, image.first == 5 ? 3 : 1);
  EXPECT_EQ(sql("SELECT state || ' ' || reason FROM image WHERE image_id = 5"),
            "failed model_failure");
  EXPECT_THAT(sql("SELECT detail FROM result WHERE image_id = 5"),
              HasSubstr("3 of its results could not be read"));
  EXPECT_EQ(sql("SELECT COUNT(*) FROM quarantine"), "3");
}

TEST_F(UnreadableResultsTest, ThatNameNoPhotoEndTheRunWithAMessage) {
  make_archive(30);
  FakeWorkerSettings broken;
  broken.pack = [](const ResultBatch&) { return std::string("\x02 of another release"); };
  FakeWorker& worker = add_worker(std::move(broken));
  make_scheduler();

  const Expected<SchedulerEnd> end = run(io_, scheduler_->run());
  const auto computed = worker.computed();
  stop_workers();

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::environment);
  EXPECT_THAT(end.error().message, HasSubstr("cannot be read"));
  for (const auto& [image, times] : computed) EXPECT_LE(times, 3) << image.first;
  EXPECT_EQ(must(store_->counts(run_)).asked.pending, 30) << "nothing is lost";
}

TEST_F(UnreadableResultsTest, OfOneWorkerDoNotStopTheOthers) {
  make_archive(200);
  FakeWorkerSettings broken;
  broken.pack = [first = 3](const ResultBatch& batch) mutable {
    return first-- > 0 ? std::string("noise") : encode_results(batch);
  };
  add_worker(std::move(broken));
  add_worker();

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  expect_everything_done(200);
}

}  // namespace
}  // namespace photoscribe::test
