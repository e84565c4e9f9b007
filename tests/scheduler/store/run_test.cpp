// What the same command again does: settings, redo, retry, incarnations.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Run : public RunStoreTest {};

TEST_F(Run, IsTheSameAfterReopening) {
  const auto again = ensure(settings());

  EXPECT_FALSE(again.created);
  EXPECT_EQ(again.run.id, run());
  reopen();
  const auto stored = must(store().run(run()));
  EXPECT_EQ(stored.settings, settings());
  EXPECT_EQ(stored.name, "default");
}

TEST_F(Run, RefusesSettingsThatAlterResultsAndNamesTheChoices) {
  RunSettings other = settings();
  other.search.beam = 5;
  other.model_hash = std::string(64, 'b');

  const auto refused = store().ensure_run("default", other);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("beam 3 (now 5)"));
  EXPECT_THAT(refused.error().message, HasSubstr("bbbbbbbbbbbb"));
  EXPECT_THAT(refused.error().message, HasSubstr("--new-run NAME"));
  EXPECT_THAT(refused.error().message, HasSubstr("--redo"));
  EXPECT_EQ(must(store().run(run())).settings, settings());
}

TEST_F(Run, TakesLimitsAndModelNameAsTheyCome) {
  RunSettings other = settings();
  other.limits.pixels_max = 7;
  other.model_name = "renamed";

  EXPECT_EQ(ensure(other).run.settings, other);
}

TEST_F(Run, RedoesEveryImageUnderNewSettings) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "x"), failed(tasks[1], Reason::empty)});
  RunSettings other = settings();
  other.search.beam = 5;

  const auto redone = ensure(other, true);

  EXPECT_TRUE(redone.redone);
  EXPECT_EQ(redone.run.settings, other);
  EXPECT_EQ(counts().asked.pending, 0);  // until a scan has found them
  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg")}).redone, 2);
  EXPECT_EQ(counts().asked.pending, 2);
  EXPECT_THAT(must(store().unfinished_enqueued(run())), IsEmpty());
  const auto again = take();
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(again[0].path, "a.jpg");
  EXPECT_EQ(record({captioned(again[0], "y")}).recorded, 1);
  expect_counts_are_true();
}

TEST_F(Run, RedoesOnlyThePhotosThatAreNamedAndTellsWhichModelCaptionedEach) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record(
      {captioned(tasks[0], "old a"), captioned(tasks[1], "old b"), captioned(tasks[2], "old c")});
  RunSettings other = settings();
  other.model_hash = std::string(64, 'b');
  ensure(other, true);

  const ScanCounts found = scan({file("a.jpg")}, false);

  EXPECT_EQ(found.redone, 1);
  EXPECT_EQ(found.left_as_they_were, 2);
  record({captioned(take()[0], "new a")});
  EXPECT_THAT(plain_rows(database(),
                         "SELECT caption, substr(model, 1, 1) FROM caption_result ORDER BY uri"),
              ElementsAre("new a|b", "old b|a", "old c|a"));
  EXPECT_EQ(hits("old").size(), 0U);  // not indexed yet
  must(store().index_captions(100));
  EXPECT_EQ(hits("old").size(), 2U);
  expect_counts_are_true();

  // Named later, by a command without --redo: the run's settings are what it is captioned with.
  ensure(other);
  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg")}, false).redone, 1);
  EXPECT_EQ(take()[0].path, "b.jpg");
  expect_counts_are_true();
}

TEST_F(Run, LeavesPhotosThatASmallRedoDidNotNameWithWhatTheyHave) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a"), captioned(tasks[1], "b")});
  ensure(settings(), true);
  const ScanCounts found = scan({file("a.jpg")}, false, true);
  EXPECT_EQ(found.redone, 1);
  EXPECT_EQ(found.left_as_they_were, 0);  // the same settings: as good as redone
  record({captioned(take()[0], "a again")});

  ensure(settings());
  const ScanCounts all = scan({file("a.jpg"), file("b.jpg")});

  EXPECT_EQ(all.redone, 0);
  EXPECT_EQ(counts().asked.done, 2);
}

TEST_F(Run, GoesOnWithARedoThatWasKilled) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a"), captioned(tasks[1], "b"), captioned(tasks[2], "c")});

  EXPECT_TRUE(ensure(settings(), true).redone);
  {  // killed in the middle of the scan
    Scan one = must(store().begin_scan(run(), {{"photos", "/archive/photos"}}, true));
    must(one.add(std::vector{file("a.jpg")}));
  }
  reopen();
  EXPECT_FALSE(ensure(settings()).redone);  // another command: the redo is none of its business
  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg"), file("c.jpg")}).redone, 0);
  EXPECT_EQ(counts().asked.done, 2);
  EXPECT_FALSE(ensure(settings(), true).redone);
  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg"), file("c.jpg")}, true, true).redone, 2);
  record({captioned(take(1)[0], "first again")});
  reopen();  // killed while captioning

  EXPECT_FALSE(ensure(settings(), true).redone);
  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg"), file("c.jpg")}, true, true).redone, 0);
  EXPECT_EQ(counts().asked.done, 1);
  EXPECT_EQ(counts().asked.pending, 2);
  for (const Task& task : take()) record({captioned(task, "again")});

  EXPECT_TRUE(ensure(settings(), true).redone);  // that one was over: this is another
  EXPECT_EQ(must(store().redo_known(run(), true)), 3);
  EXPECT_EQ(counts().asked.pending, 3);
  expect_counts_are_true();
}

TEST_F(Run, KeepsTheIncarnationUntilTheSchedulerHasRecordedWhatItHolds) {
  must(store().begin_incarnation(run(), "one"));

  EXPECT_EQ(ensure(settings(50)).run.incarnation, "one");
  RunSettings other = settings(50);
  other.search.beam = 5;
  EXPECT_EQ(ensure(other, true).run.incarnation, "one");
}

TEST_F(Run, TellsHowLikelyEachCaptionIsGoodAndTellsItAnewWithAnotherModelOfIt) {
  RunSettings judged = settings();
  judged.confidence = ConfidenceModel{0.5, {0.2, -0.1, 0.3}};
  ensure(judged);
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog", 500), blurred(tasks[1])});
  const auto shown = [this] {
    return plain_rows(database(), "SELECT caption, round(confidence, 6) FROM caption_confidence");
  };
  const auto expected = [](const ConfidenceModel& model) {
    char text[64];
    std::snprintf(text, sizeof text, "a dog|%.6g",
                  std::round(confidence(model, confidence_features(-3.5, 4, 500)) * 1e6) / 1e6);
    return std::string(text);
  };
  EXPECT_THAT(shown(), ElementsAre(expected(*judged.confidence)));

  reopen();
  judged.confidence->bias = -1;
  EXPECT_FALSE(ensure(judged).redone);

  EXPECT_THAT(shown(), ElementsAre(expected(*judged.confidence)));
  EXPECT_EQ(must(store().run(run())).settings, judged);
  EXPECT_EQ(counts().asked.pending, 0);
  ensure(settings());
  EXPECT_THAT(shown(), ElementsAre("a dog|-"));
}

TEST_F(Run, JudgesByTheObjectsThatACaptionNamesTheSameLaterAsAtOnce) {
  RunSettings judged = settings();
  judged.confidence = ConfidenceModel{.bias = 0.5, .weights = {0, 0, 0, 0, 0, 0, 0, 0, 0.3, -0.5}};
  judged.confidence->objects = {{"dog", -0.75}, {"person", 0.25}};
  ensure(judged);
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  std::vector<Result> results{captioned(tasks[0], "a man and a dog", 500),
                              captioned(tasks[1], "a sunset", 500)};
  for (Result& one : results) {
    Caption& caption = std::get<Captioned>(one.outcome).caption;
    caption.evidence = CaptionEvidence{-1, 0.5, 0.5, 0.25, 0};
    caption.concepts = {{"man", 0.87654321F}, {"dog", 0.3333333F}};
  }
  record(results);
  const auto shown = [this] {
    return plain_rows(database(),
                      "SELECT caption, printf('%.17g', confidence) "
                      "FROM caption_confidence ORDER BY caption");
  };
  const auto at_once = shown();
  ASSERT_EQ(at_once.size(), 2U);

  reopen();
  ensure(settings());
  ensure(judged);

  EXPECT_EQ(shown(), at_once);
  const double expected = confidence(
      *judged.confidence, confidence_features(-3.5, 4, 500, CaptionEvidence{-1, 0.5, 0.5, 0.25, 0},
                                              {{"dog", 0.3333}, {"person", 0.8765}}));
  EXPECT_NEAR(std::stod(at_once[0].substr(at_once[0].find('|') + 1)), expected, 1e-12);
}

TEST_F(Run, RetriesFailuresOfAKind) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({failed(tasks[0], Reason::timeout), failed(tasks[1], Reason::truncated),
          failed(tasks[2], Reason::crashed_worker)});

  const Reason kinds[] = {Reason::timeout, Reason::crashed_worker};
  EXPECT_EQ(must(store().retry_failed(run(), kinds)), 2);
  EXPECT_EQ(counts().asked.pending, 2);
  EXPECT_EQ(counts().asked.failed(), 1);
  EXPECT_EQ(must(store().retry_failed(run())), 1);
  EXPECT_EQ(must(store().retry_failed(run())), 0);
  EXPECT_EQ(take().size(), 3U);
  expect_counts_are_true();
}

TEST_F(Run, RemembersPastIncarnationsUntilTheirKeysHaveExpired) {
  must(store().begin_incarnation(run(), "one"));
  must(store().begin_incarnation(run(), "two"));
  reopen();
  EXPECT_EQ(must(store().run(run())).incarnation, "two");
  must(store().end_incarnation(run()));
  must(store().end_incarnation(run()));

  EXPECT_EQ(must(store().run(run())).incarnation, std::nullopt);
  must(store().forget_incarnations(run(), 1));
  EXPECT_THAT(must(store().past_incarnations(run())), ElementsAre("one", "two"));
  must(store().forget_incarnations(run(), std::numeric_limits<std::int64_t>::max()));
  EXPECT_THAT(must(store().past_incarnations(run())), IsEmpty());
}

TEST_F(Run, RefusesANamelessRun) {
  EXPECT_EQ(store().ensure_run("", settings()).error().code, Errc::usage);
  EXPECT_EQ(store().ensure_run("a\nb", settings()).error().code, Errc::usage);
}

TEST_F(Run, ListsRunsAndEvents) {
  must(store().ensure_run("second", settings()));
  must(store().add_event(run(), "info", "reconcile", "nothing to do"));
  must(store().add_event(run(), "warning", "worker_died", "signal 9"));

  EXPECT_EQ(must(store().runs()).size(), 2U);
  EXPECT_EQ(must(store().find_run("third")), std::nullopt);
  const auto events = must(store().events(run(), 1));
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "worker_died");
}

TEST_F(Run, AddsUpWhatWorkersDidWithoutShowingItAsEvents) {
  EXPECT_EQ(must(store().summary(run())).work.photos, 0);
  must(store().add_work(run(), {1'000, 20.5}));
  must(store().add_work(run(), {500, 9.5}));

  const WorkDone work = must(store().summary(run())).work;

  EXPECT_EQ(work.photos, 1'500);
  EXPECT_DOUBLE_EQ(work.cpu_s, 30);
  EXPECT_DOUBLE_EQ(work.photos_per_core_hour(), 180'000);
  EXPECT_THAT(must(store().events(run(), 10)), IsEmpty());
}

}  // namespace
}  // namespace photoscribe::test
