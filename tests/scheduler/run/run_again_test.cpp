// The same command again, another one on the same run, and what a dry run tells of it.
#include <filesystem>

#include "tests/scheduler/run/run_batch_fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(RunBatch, HasNothingToDoTheSecondTimeAndStartsNothing) {
  add_photos(0, 50);
  run(request());
  fs::remove_all(folder_.file("archive.db.state"));

  RunRequest again = request();
  again.worker_executable = "/no/such/worker";
  again.redis_server_executable = "/no/such/redis";
  const RunSummary summary = run(again);

  EXPECT_TRUE(summary.nothing_to_do);
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total, 50);
  EXPECT_EQ(summary.done_now, 0);
}

TEST_F(RunBatch, TakesOnlyNewPhotosTheNextTime) {
  add_photos(0, 50);
  run(request());
  add_photos(50, 60);

  const RunSummary summary = run(request());

  EXPECT_EQ(summary.added, 10);
  EXPECT_EQ(summary.done_now + summary.blurred_now + summary.failed_now, 10);
  EXPECT_EQ(summary.total, 60);
}

TEST_F(RunBatch, TriesFailedPhotosAgainOnlyWhenAsked) {
  add_photos(0, 50);
  const std::int64_t failed = run(request()).failed;
  ASSERT_GT(failed, 0);

  RunRequest retry = request();
  retry.retry_failed = true;
  const RunSummary summary = run(retry);

  EXPECT_EQ(summary.retried, failed);
  EXPECT_EQ(summary.failed_now, failed);
}

TEST_F(RunBatch, RefusesOtherSettingsAndNamesTheChoices) {
  add_photos(0, 5);
  run(request());
  RunRequest other = request();
  other.settings.search.beam = 7;
  StopHandle stop;

  const Expected<RunSummary> refused = run_batch(other, watcher_, stop);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("--new-run"));
  EXPECT_THAT(refused.error().message, HasSubstr("--redo"));
}

TEST_F(RunBatch, RedoesEveryPhotoWithOtherSettingsWhenAsked) {
  add_photos(0, 40);
  run(request());
  RunRequest other = request();
  other.settings.search.beam = 7;
  other.redo = true;

  const RunSummary summary = run(other);

  EXPECT_EQ(summary.done_now + summary.blurred_now + summary.failed_now, 40);
  EXPECT_EQ(summary.total, 40);
}

TEST_F(RunBatch, RedoesTheNamedPhotosAndLeavesTheOthersTheirCaptions) {
  add_photos(0, 20);
  run(request());
  RunRequest few = request();
  few.settings.search.beam = 7;
  few.redo = true;
  few.limit = 5;

  const RunSummary summary = run(few);

  EXPECT_EQ(summary.redone, 5);
  EXPECT_EQ(summary.done_now + summary.blurred_now + summary.failed_now, 5);
  EXPECT_THAT(summary.notes, Contains(HasSubstr("15 photos of the run")));
  RunRequest all = request();
  all.settings.search.beam = 7;
  EXPECT_EQ(run(all).redone, 15);  // of the old beam
  EXPECT_TRUE(run(all).nothing_to_do);
}

TEST_F(RunBatch, TakesAnEmptyFolderThatHadPhotosForAnUnmountedOne) {
  add_photos(0, 5);
  run(request());
  fs::rename(folder_.file("photos"), folder_.file("elsewhere"));
  fs::create_directory(folder_.file("photos"));

  for (const bool redo : {false, true}) {
    RunRequest again = request();
    again.redo = redo;
    again.dry_run = !redo;
    StopHandle stop;
    const Expected<RunSummary> refused = run_batch(again, watcher_, stop);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::environment);
    EXPECT_THAT(refused.error().message, HasSubstr("has 5 of that folder; is it mounted?"));
  }

  fs::remove(folder_.file("photos"));
  fs::rename(folder_.file("elsewhere"), folder_.file("photos"));
  const RunSummary back = run(request());
  EXPECT_EQ(back.vanished, 0);
  EXPECT_TRUE(back.nothing_to_do);  // the redo was refused before it changed anything
}

TEST_F(RunBatch, DoesNotDoubtAFolderWhosePhotosAreAnotherRootsOrLeftOut) {
  add_photos(0, 3);
  fs::create_directories(folder_.file("photos/inner"));
  folder_.write("photos/inner/a.jpg", "bytes");
  RunRequest inner = request();
  inner.photos = {folder_.file("photos/inner")};
  run(inner);
  run(request());
  for (int i = 0; i < 3; ++i) fs::remove(folder_.file("photos/p" + std::to_string(i) + ".jpg"));

  const RunSummary summary = run(request());

  EXPECT_EQ(summary.total, 1);
}

TEST_F(RunBatch, KeepsADryRunsCopyBesideTheDatabaseAndTakesItAway) {
  add_photos(0, 3);
  run(request());
  RunRequest dry = request();
  dry.dry_run = true;

  run(dry);

  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_NE(entry.path().filename().string().rfind(".photoscribe-", 0), 0U) << entry.path();
  }
}

TEST_F(RunBatch, CountsTheSameDryAsItWouldDo) {
  add_photos(0, 20);
  run(request());
  add_photos(20, 23);
  folder_.write("photos/p0.jpg", "other bytes, and more of them");
  fs::remove(folder_.file("photos/p1.jpg"));
  RunRequest next = request();
  next.settings.blur.blur_threshold = 1e9;
  next.retry_failed = true;
  RunRequest dry = next;
  dry.dry_run = true;
  dry.workers = 0;
  dry.redis_url = "unix:/nowhere";  // not looked for

  const RunSummary counted = run(dry);
  EXPECT_EQ(run(dry).pending, counted.pending);  // nothing was changed
  const RunSummary done = run(next);

  EXPECT_TRUE(counted.dry_run);
  EXPECT_EQ(counted.pending, done.done_now + done.blurred_now + done.failed_now);
  EXPECT_EQ(counted.total, done.total);
  EXPECT_EQ(counted.added, 3);
  EXPECT_EQ(counted.changed, 1);
  EXPECT_EQ(counted.vanished, 1);
  EXPECT_EQ(counted.notes, done.notes);
  EXPECT_THAT(counted.notes, Contains(HasSubstr("new blur rule")));
}

TEST_F(RunBatch, JudgesTheCaptionsOfAFinishedRunAgainWithoutAWorker) {
  add_photos(0, 20);
  RunRequest sure = request();
  sure.settings.confidence = ConfidenceModel{};  // 0.5 for every caption
  sure.settings.min_confidence = 0.25;
  const RunSummary first = run(sure);
  ASSERT_GT(first.done, 0);
  EXPECT_EQ(first.unsure, 0);
  RunRequest doubtful = sure;
  doubtful.settings.min_confidence = 0.75;

  const RunSummary second = run(doubtful);

  EXPECT_TRUE(second.nothing_to_do);
  EXPECT_EQ(second.end, RunEnd::complete);
  EXPECT_EQ(second.unsure, first.done);
  EXPECT_EQ(second.done, 0);
  EXPECT_EQ(second.failed, first.failed);
  EXPECT_EQ(second.min_confidence, 0.75);
  EXPECT_THAT(second.notes, Contains(HasSubstr("are now unsure, 0 shown again")));
  EXPECT_TRUE(run(doubtful).notes.empty()) << "judged once";
  doubtful.retry_failed = true;
  EXPECT_EQ(run(doubtful).retried, first.failed) << "an unsure one is not failed";
  EXPECT_EQ(run(sure).done, first.done);
}

TEST_F(RunBatch, CountsTheUnsureAmongWhatIsFinished) {
  add_photos(0, 20);
  RunRequest doubtful = request();
  doubtful.settings.confidence = ConfidenceModel{};
  doubtful.settings.min_confidence = 0.75;

  const RunSummary summary = run(doubtful);

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_GT(summary.unsure, 0);
  EXPECT_EQ(summary.unsure_now, summary.unsure);
  EXPECT_EQ(summary.finished_now(), 20);
  EXPECT_EQ(summary.pending, 0);
}

TEST_F(RunBatch, CountsAndWritesNothingWhenDry) {
  add_photos(0, 20);
  RunRequest dry = request();
  dry.dry_run = true;

  const RunSummary before = run(dry);
  EXPECT_FALSE(fs::exists(folder_.file("archive.db")));
  EXPECT_FALSE(fs::exists(folder_.file("archive.db.state")));
  run(request());
  add_photos(20, 23);
  const RunSummary after = run(dry);

  EXPECT_EQ(before.total, 20);
  EXPECT_EQ(before.pending, 20);
  EXPECT_EQ(after.total, 23);
  EXPECT_EQ(after.added, 3);
  EXPECT_EQ(after.pending, 3);
}

}  // namespace
}  // namespace photoscribe::test
