// Scans, the cursor and the window.
#include <gmock/gmock.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> paths(const std::vector<Task>& tasks) {
  std::vector<std::string> all;
  for (const Task& task : tasks) all.push_back(task.path);
  return all;
}

using Manifest = StoreTest;

TEST_F(Manifest, GivesTasksInTheOrderOfTheirAdding) {
  const auto added = scan({file("b.jpg"), file("a.jpg"), file("sub/c.jpg")});

  EXPECT_EQ(added.added, 3);
  const auto first = take(2);
  EXPECT_THAT(paths(first), ElementsAre("b.jpg", "a.jpg"));
  EXPECT_EQ(first[0].root, "photos");
  EXPECT_EQ(first[0].attempt, 1);
  EXPECT_THAT(paths(take(2)), ElementsAre("sub/c.jpg"));
  EXPECT_THAT(take(2), IsEmpty());
}

TEST_F(Manifest, KeepsTheCursorAcrossProcesses) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto taken = take(2);

  reopen();

  const std::vector<ImageAttempt> expected{{taken[0].image_id, 1}, {taken[1].image_id, 1}};
  EXPECT_EQ(must(store().unfinished_enqueued(run())), expected);
  EXPECT_EQ(must(store().tasks_of(run(), expected)), taken);
  EXPECT_THAT(paths(take()), ElementsAre("c.jpg"));
}

TEST_F(Manifest, LeavesFinishedAndOutdatedPairsOutOfTheWindow) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "x"), failed(tasks[1], Reason::truncated)});
  must(store().retry_failed(run()));

  const auto unfinished = must(store().unfinished_enqueued(run()));

  // The retried one waits behind the cursor under its new attempt (protocol.md H5).
  EXPECT_EQ(unfinished, (std::vector<ImageAttempt>{{tasks[2].image_id, 1}}));
  const std::vector<ImageAttempt> pairs{
      {tasks[0].image_id, 1}, {tasks[1].image_id, 1}, {tasks[2].image_id, 1}};
  EXPECT_THAT(paths(must(store().tasks_of(run(), pairs))), ElementsAre("c.jpg"));
  const auto again = take();
  EXPECT_THAT(paths(again), ElementsAre("b.jpg"));
  EXPECT_EQ(again[0].attempt, 2);
}

// Several go into one statement, of which some may be there already.
TEST_F(Manifest, CountsAFileOnceInWhichGroupEverItIsNamedAgain) {
  std::vector<FoundFile> files;
  std::vector<std::string> names;
  for (int i = 0; i < 150; ++i) {
    names.push_back(std::to_string(i) + ".jpg");
    files.push_back(file(names.back()));
    files.back().kept = {{"number", std::to_string(i)}};
    if (i % 50 == 20) files.push_back(file("7.jpg"));  // twice in later groups, once in its own
  }

  const auto added = scan(files);

  EXPECT_EQ(added.added, 150);
  EXPECT_EQ(added.repeated, 3);
  EXPECT_EQ(paths(take(200)), names);
  EXPECT_EQ(plain_rows(database(), "SELECT count(*), sum(CAST(value AS INTEGER)) FROM kept_value"),
            std::vector<std::string>{"150|11175"});
  expect_counts_are_true();
  EXPECT_EQ(scan(files).unchanged, 150);
}

TEST_F(Manifest, AddsNothingOfAGroupThatIsThereAlready) {
  std::vector<FoundFile> files;
  for (int i = 0; i < 64; ++i) files.push_back(file(std::to_string(i) + ".jpg"));
  std::vector<FoundFile> twice = files;
  twice.insert(twice.end(), files.begin(), files.end());

  const auto added = scan(twice);

  EXPECT_EQ(added.added, 64);
  EXPECT_EQ(added.repeated, 64);
  EXPECT_EQ(take(200).size(), 64U);
  expect_counts_are_true();
}

TEST_F(Manifest, FindsNothingToDoTheSecondTime) {
  scan({file("a.jpg"), file("b.jpg")});
  take();

  const auto again = scan({file("a.jpg"), file("b.jpg")});

  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(again.unchanged, 2);
  EXPECT_EQ(again.changed + again.vanished + again.not_asked + again.returned, 0);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(Manifest, StartsANewAttemptForAChangedFile) {
  scan({file("a.jpg", 10), file("b.jpg", 10)});
  const auto tasks = take();
  record({captioned(tasks[0], "old"), captioned(tasks[1], "same")});

  FoundFile touched = file("a.jpg", 10);
  touched.mtime_ns = 6;
  const auto changed = scan({touched, file("b.jpg", 10)});

  EXPECT_EQ(changed.changed, 1);
  EXPECT_EQ(counts().asked.pending, 1);
  EXPECT_EQ(counts().asked.done, 1);
  const auto again = take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].path, "a.jpg");
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(record({captioned(tasks[0], "old again")}).superseded, 1);
  expect_counts_are_true();
}

TEST_F(Manifest, KeepsTheRowsOfVanishedPhotosButDoesNotAskForThem) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  record({captioned(take(1)[0], "a cat")});

  const auto gone = scan({file("c.jpg")});

  EXPECT_EQ(gone.vanished, 2);
  EXPECT_EQ(counts().vanished, 2);
  EXPECT_EQ(counts().others.done, 1);
  EXPECT_EQ(counts().others.pending, 1);
  EXPECT_EQ(counts().asked.total(), 1);
  EXPECT_THAT(paths(take()), ElementsAre("c.jpg"));
  EXPECT_THAT(plain_rows(database(), "SELECT caption FROM caption_result WHERE state = 'done'"),
              ElementsAre("a cat"));
  expect_counts_are_true();
}

TEST_F(Manifest, AsksAgainForAPhotoThatCameBack) {
  scan({file("a.jpg"), file("b.jpg")});
  take();
  scan({file("b.jpg")});
  EXPECT_EQ(must(store().unfinished_enqueued(run())).size(), 1U);

  const auto back = scan({file("a.jpg"), file("b.jpg")});

  EXPECT_EQ(back.returned, 1);
  EXPECT_EQ(counts().vanished, 0);
  const auto again = take();  // its task was dropped from Redis meanwhile
  EXPECT_THAT(paths(again), ElementsAre("a.jpg"));
  EXPECT_EQ(again[0].attempt, 1);
  expect_counts_are_true();
}

TEST_F(Manifest, CallsNothingVanishedThatWasNotWalked) {
  scan({file("a.jpg"), file("sub/b.jpg"), file("subway.jpg")});

  Scan part = must(store().begin_scan(run(), {{"photos", "/archive/photos"}}));
  must(part.add(std::vector<FoundFile>{}));
  const Scan::Walked walked[] = {{0, "sub"}};
  const auto found = must(part.finish(walked, {}));

  EXPECT_EQ(found.vanished, 1);   // sub/b.jpg
  EXPECT_EQ(found.not_asked, 2);  // subway.jpg is not in sub
  EXPECT_EQ(counts().asked.total(), 0);
  expect_counts_are_true();
}

TEST_F(Manifest, CallsNothingVanishedThatTheWalkPassesOver) {
  scan({file("notes.txt"), file("a.jpg")});  // with --all-files; then without

  const auto found = scan({});

  EXPECT_EQ(found.vanished, 1);  // a.jpg
  EXPECT_EQ(found.not_asked, 1);
  expect_counts_are_true();
}

TEST_F(Manifest, CountsAFileThatIsNamedTwiceOnce) {
  const auto found = scan({file("a.jpg"), file("a.jpg")});

  EXPECT_EQ(found.added, 1);
  EXPECT_EQ(counts().asked.total(), 1);
}

TEST_F(Manifest, KeepsNamesOfAnyBytes) {
  const std::vector<std::string> names{"-rf.jpg",         "a\nb.jpg",        "\"quote'.jpg",
                                       "caf\xc3\xa9.jpg", "bad\xff\xfe.jpg", "100%.jpg"};
  std::vector<FoundFile> files;
  for (const std::string& name : names) files.push_back(file(name));
  scan(files);

  EXPECT_EQ(paths(take()), names);
  EXPECT_THAT(plain_rows(database(), "SELECT uri FROM caption_result"),
              ElementsAre("/archive/photos/-rf.jpg", "/archive/photos/a\nb.jpg",
                          "/archive/photos/\"quote'.jpg", "/archive/photos/caf\xc3\xa9.jpg",
                          "/archive/photos/bad%FF%FE.jpg", "/archive/photos/100%25.jpg"));
  EXPECT_EQ(scan(files).unchanged, 6);
}

/// The byte FF and a literal %FF: two photos, two uris, in the views and in exports alike.
TEST_F(Manifest, NoTwoPathsShareAUri) {
  scan({file("%FF.jpg"), file("\xff.jpg"), file("%25FF.jpg"), file("a%\xff/%.jpg")});

  const std::vector<std::string> uris{"/archive/photos/%25FF.jpg", "/archive/photos/%FF.jpg",
                                      "/archive/photos/%2525FF.jpg",
                                      "/archive/photos/a%25%FF/%25.jpg"};
  EXPECT_EQ(plain_rows(database(), "SELECT uri FROM caption_result"), uris);
  std::vector<std::string> of_rows;
  must(store().for_each_result(run(), [&](const ResultRow& row) -> Status {
    of_rows.push_back(row.uri);
    return {};
  }));
  EXPECT_EQ(of_rows, uris);
}

TEST_F(Manifest, APhotoThatMayBeReadNowIsTriedAgain) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({failed(tasks[0], Reason::outside_root), failed(tasks[1], Reason::truncated)});

  const ScanCounts again = scan({file("a.jpg"), file("b.jpg")});

  EXPECT_EQ(again.changed, 1);
  EXPECT_EQ(paths(take()), std::vector<std::string>{"a.jpg"});
}

TEST_F(Manifest, KeepsRunsApart) {
  scan({file("a.jpg")});
  const RunId second = must(store().ensure_run("second", settings())).run.id;
  Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg")}));
  must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));

  EXPECT_EQ(counts().asked.total(), 1);
  EXPECT_EQ(must(store().counts(second)).asked.total(), 2);
  EXPECT_EQ(must(store().take_tasks(second, 10)).size(), 2U);
  EXPECT_EQ(take().size(), 1U);
  EXPECT_EQ(must(store().known_roots()).size(), 1U);
}

TEST_F(Manifest, RemembersWhatAPersonAskedOfTheRun) {
  EXPECT_EQ(must(store().run(run())).control, RunControl::running);

  must(store().set_control(run(), RunControl::paused));

  EXPECT_EQ(must(store().run(run())).control, RunControl::paused);
  must(store().ensure_run("default", settings()));  // a scan changes nothing about it
  EXPECT_EQ(must(store().find_run("default"))->control, RunControl::paused);
  must(store().set_control(run(), RunControl::cancelled));
  EXPECT_EQ(must(store().runs())[0].control, RunControl::cancelled);
}

TEST_F(Manifest, StoresWhatWasSkippedByExtension) {
  Scan one = must(store().begin_scan(run(), {{"photos", "/archive/photos"}}));
  const SkippedExtension skipped[] = {{".txt", 2}, {".mp4", 9}};
  must(one.finish({}, skipped));

  const auto summary = must(store().summary(run()));

  ASSERT_EQ(summary.skipped.size(), 2U);
  EXPECT_EQ(summary.skipped[0].extension, ".mp4");
  EXPECT_EQ(summary.skipped[0].files, 9);
}

}  // namespace
}  // namespace photoscribe::test
