// Another blur mode or threshold: photos are judged again by the scores that are stored.
#include <gmock/gmock.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Rejudge : public RunStoreTest {};

TEST_F(Rejudge, JudgesByAnotherBlurModeFromItsStoredScores) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg"), file("d.jpg")});
  const auto tasks = take();
  const auto scored = [](Result result, BlurScores scores) {
    result.blur_scores = scores;
    return result;
  };
  record({scored(captioned(tasks[0], "sharp in both"), {{500, 0, 0, 40}}),
          scored(captioned(tasks[1], "noise"), {{600, 0, 0, 3}}),
          scored(blurred(tasks[2]), {{50, 0, 0, 30}})});
  RunSettings other = settings(20);
  other.blur.mode = BlurMode::edges;

  const auto judged = ensure(other);

  EXPECT_EQ(judged.became_blurred, 1);
  EXPECT_EQ(judged.became_clear, 1);
  const auto shown = [this] {
    return plain_rows(database(),
                      "SELECT state, caption, blur_score, blur_threshold FROM caption_result "
                      "ORDER BY uri");
  };
  EXPECT_THAT(shown(), ElementsAre("done|sharp in both|40.0|20.0", "blurred|-|3.0|20.0",
                                   "pending|-|-|20.0", "pending|-|-|20.0"));
  // A worker of the mode before calls the fourth clear: the run's own mode judges.
  record({scored(captioned(tasks[3], "late"), {{900, 0, 0, 5}})});
  EXPECT_THAT(shown()[3], "blurred|-|5.0|20.0");
  EXPECT_THAT(plain_rows(database(), "SELECT blur_full, blur_edges FROM blur_score_by_mode"),
              ElementsAre("500.0|40.0", "600.0|3.0", "900.0|5.0"));

  EXPECT_EQ(ensure(settings(100)).caption_restored, 1);
  EXPECT_THAT(shown()[1], "done|noise|600.0|100.0");
  expect_counts_are_true();
}

TEST_F(Rejudge, JudgesByModeLearnedWhatHasAScoreInItAndMeasuresTheRest) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  const auto scored = [](Result result, double learned) {
    result.blur_scores = BlurScores{{500, 500, 500, 500, learned}};
    return result;
  };
  record({scored(captioned(tasks[0], "sharp"), 97), scored(captioned(tasks[1], "soft"), 5),
          scored(captioned(tasks[2], "of a version before"), 97)});
  store_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE result SET blur_learned = NULL WHERE caption LIKE 'of%'",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  reopen();
  RunSettings other = settings(20);
  other.blur.mode = BlurMode::learned;

  ensure(other);

  EXPECT_THAT(
      plain_rows(database(), "SELECT state, caption, blur_score FROM caption_result ORDER BY uri"),
      ElementsAre("done|sharp|97.0", "blurred|-|5.0", "pending|-|-"));
  EXPECT_THAT(plain_rows(database(), "SELECT blur_learned FROM blur_score_by_mode ORDER BY uri"),
              ElementsAre("97.0", "5.0"));
}

TEST_F(Rejudge, MeasuresAgainWhatHasNoScoreInTheModeThatJudges) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a"), blurred(tasks[1]), failed(tasks[2], Reason::empty)});
  store_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE result SET blur_full = NULL", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  reopen();
  RunSettings other = settings(20);
  other.blur.mode = BlurMode::edges;

  ensure(other);

  EXPECT_EQ(counts().asked.pending, 2);
  EXPECT_EQ(counts().asked.failed(), 1);
  expect_counts_are_true();
}

TEST_F(Rejudge, RefusesOtherSizesOfBlurModes) {
  RunSettings other = settings();
  other.blur.tile_px = 99;

  const auto refused = store().ensure_run("default", other);

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("tile_px 256 (now 99)"));
}

TEST_F(Rejudge, ShowsTheThresholdThatAScoreWasJudgedBy) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a", 150), captioned(tasks[1], "b", 150)});
  RunSettings other = settings(300);
  other.blur.tile_px = 128;  // of another size: not judged by one threshold
  ensure(other, true);
  EXPECT_EQ(scan({file("a.jpg")}, false, true).redone, 1);
  record({captioned(take()[0], "a again", 400)});

  EXPECT_THAT(
      plain_rows(database(), "SELECT caption, blur_threshold FROM caption_result ORDER BY uri"),
      ElementsAre("a again|300.0", "b|100.0"));
}

TEST_F(Rejudge, RejudgesFromStoredScores) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg"), file("d.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "sharp", 500), captioned(tasks[1], "soft", 150),
          blurred(tasks[2], 60), blurred(tasks[3], 10)});

  const auto stricter = ensure(settings(200));
  EXPECT_EQ(stricter.became_blurred, 1);
  EXPECT_EQ(stricter.became_clear + stricter.caption_restored, 0);
  EXPECT_THAT(states(), ElementsAre("done|sharp|500.0", "blurred|-|150.0", "blurred|-|60.0",
                                    "blurred|-|10.0"));
  expect_counts_are_true();

  const auto looser = ensure(settings(50));
  EXPECT_EQ(looser.caption_restored, 1);
  EXPECT_EQ(looser.became_clear, 1);
  EXPECT_THAT(states(),
              ElementsAre("done|sharp|500.0", "done|soft|150.0", "pending|-|-", "blurred|-|10.0"));
  const auto again = take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].path, "c.jpg");
  EXPECT_EQ(again[0].attempt, 2);
  expect_counts_are_true();
}

TEST_F(Rejudge, DoesNotRestoreTheCaptionOfAnOlderFile) {
  scan({file("a.jpg", 1)});
  record({captioned(take()[0], "of the old file", 150)});
  scan({file("a.jpg", 2)});
  record({blurred(take()[0], 90)});

  const auto looser = ensure(settings(50));

  EXPECT_EQ(looser.caption_restored, 0);
  EXPECT_EQ(looser.became_clear, 1);
  EXPECT_THAT(states(), ElementsAre("pending|-|-"));
}

}  // namespace
}  // namespace photoscribe::test
