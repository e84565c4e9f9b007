// The verdict `unsure`: recorded, judged again both ways, shown to nobody who did not ask.
#include <gmock/gmock.h>

#include "scheduler/store/check_run.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A caption of four words whose confidence is 1 / (1 + exp(-(5 + log_prob))).
Result likely(const Task& task, std::string text, double log_prob, double blur_score = 500) {
  Result result = captioned(task, std::move(text), blur_score);
  std::get<Captioned>(result.outcome).caption.log_prob = 5 * log_prob;
  return result;
}

RunSettings judged(double min_confidence) {
  RunSettings s = settings();
  s.confidence = ConfidenceModel{5, {1}};
  s.min_confidence = min_confidence;
  return s;
}

class Unsure : public StoreTest {
 protected:
  /// Three captions, of confidence 0.98, 0.73 and 0.27.
  void caption_three(double min_confidence) {
    must(store().ensure_run("default", judged(min_confidence)));
    scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
    const auto tasks = take();
    report_ = record({likely(tasks[0], "a dog", -1), likely(tasks[1], "a cat", -4),
                      likely(tasks[2], "a boat", -6)});
  }
  EnsuredRun ensure(const RunSettings& s) { return must(store().ensure_run("default", s)); }
  std::vector<std::string> shown() {
    return plain_rows(database(), "SELECT state, caption FROM caption_result ORDER BY uri");
  }
  std::int64_t faults() { return must(check_run(database(), "default", false)).faults(); }
  void change(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  RecordReport report_;
};

TEST_F(Unsure, IsACaptionThatIsProbablyWrong) {
  caption_three(0.5);

  EXPECT_EQ(report_.done, 2);
  EXPECT_EQ(report_.unsure, 1);
  EXPECT_EQ(counts().asked.done, 2);
  EXPECT_EQ(counts().asked.unsure, 1);
  EXPECT_EQ(counts().asked.pending, 0);
  EXPECT_EQ(counts().asked.failed(), 0);
  expect_counts_are_true();
  EXPECT_EQ(faults(), 0);
}

TEST_F(Unsure, ShowsItsCaptionToNobodyWhoDidNotAsk) {
  must(store().set_references(run(), {}));
  caption_three(0.5);
  must(store().set_references(
      run(), std::vector<NamedReferences>{{"a.jpg", {"a dog"}}, {"c.jpg", {"a bus"}}}));
  must(store().index_captions(100));

  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "unsure|-"));
  EXPECT_THAT(plain_rows(database(),
                         "SELECT uri, caption FROM caption_result_latest "
                         "WHERE caption IS NOT NULL AND state <> 'done'"),
              IsEmpty());
  EXPECT_THAT(plain_rows(database(), "SELECT count(log_prob), count(bleu1) FROM caption_result"),
              ElementsAre("2|1"));
  EXPECT_THAT(plain_rows(database(), "SELECT caption FROM caption_confidence ORDER BY caption"),
              ElementsAre("a cat", "a dog"));
  EXPECT_THAT(plain_rows(database(),
                         "SELECT uri, caption, log_prob, round(confidence, 2) "
                         "FROM unsure_caption"),
              ElementsAre("/archive/photos/c.jpg|a boat|-30.0|0.27"));
  EXPECT_THAT(hits("boat"), IsEmpty());
  EXPECT_EQ(hits("dog").size(), 1U);
  EXPECT_EQ(must(store().summary(run())).bleu->photos, 1);
  const auto row = must(store().image(3));
  EXPECT_EQ(row->state, "unsure");
  EXPECT_EQ(row->caption, "a boat");
}

TEST_F(Unsure, IsJudgedAgainBothWaysWithoutAnyPhotoBeingReadAgain) {
  caption_three(0);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "done|a boat"));

  const EnsuredRun stricter = ensure(judged(0.9));

  EXPECT_EQ(stricter.became_unsure, 2);
  EXPECT_EQ(stricter.became_sure, 0);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "unsure|-", "unsure|-"));
  expect_counts_are_true();

  reopen();
  const EnsuredRun looser = ensure(judged(0.5));

  EXPECT_EQ(looser.became_unsure, 0);
  EXPECT_EQ(looser.became_sure, 1);
  EXPECT_FALSE(looser.redone);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "unsure|-"));
  EXPECT_EQ(ensure(judged(0)).became_sure, 1);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "done|a boat"));
  EXPECT_EQ(counts().asked.pending, 0);
  EXPECT_THAT(plain_rows(database(), "SELECT max(attempt) FROM result"), ElementsAre("1"));
  expect_counts_are_true();
  EXPECT_EQ(faults(), 0);
}

TEST_F(Unsure, FollowsAnotherFitOfTheModelAndGoesWithIt) {
  caption_three(0.5);
  RunSettings fitted = judged(0.5);
  fitted.confidence->bias = 3;

  EXPECT_EQ(ensure(fitted).became_unsure, 1);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "unsure|-", "unsure|-"));

  RunSettings untold = settings();
  untold.min_confidence = 0.5;
  EXPECT_EQ(ensure(untold).became_sure, 2) << "a model that does not tell is never unsure";
  expect_counts_are_true();
}

TEST_F(Unsure, IsFinalForScansRetriesAndThePhotoThatChanges) {
  caption_three(0.5);

  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  EXPECT_EQ(must(store().retry_failed(run())), 0);
  EXPECT_EQ(must(store().redo_known(run(), false)), 0);
  EXPECT_THAT(take(), IsEmpty());

  EXPECT_EQ(scan({file("a.jpg"), file("b.jpg"), file("c.jpg", 2000)}).changed, 1);
  EXPECT_EQ(counts().asked.pending, 1);
  EXPECT_EQ(counts().asked.unsure, 0);
  record({likely(take()[0], "a ship", -1)});
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "done|a ship"));
  EXPECT_EQ(scan({file("a.jpg")}).vanished, 2);
  expect_counts_are_true();
}

TEST_F(Unsure, IsDoneAnewByARedo) {
  caption_three(0.5);

  EXPECT_TRUE(must(store().ensure_run("default", judged(0.5), true)).redone);
  EXPECT_EQ(must(store().redo_known(run(), true)), 3);

  EXPECT_EQ(counts().asked.unsure, 0);
  expect_counts_are_true();
}

TEST_F(Unsure, GivesWayToBlurredAndComesBackWithTheCaption) {
  caption_three(0.5);
  RunSettings strict = judged(0.5);
  strict.blur.blur_threshold = 1000;

  EXPECT_EQ(ensure(strict).became_blurred, 3);
  EXPECT_THAT(shown(), ElementsAre("blurred|-", "blurred|-", "blurred|-"));
  // The fit changes while no caption is there to be judged.
  RunSettings back = judged(0.5);
  back.confidence->bias = 3;
  strict.confidence = back.confidence;
  ensure(strict);

  EXPECT_EQ(ensure(back).caption_restored, 3);

  EXPECT_THAT(shown(), ElementsAre("done|a dog", "unsure|-", "unsure|-"));
  expect_counts_are_true();
  EXPECT_EQ(faults(), 0);
}

TEST_F(Unsure, IsJudgedByTheRunThatTakesItOver) {
  caption_three(0.5);
  const RunId second = must(store().ensure_run("second", judged(0.9))).run.id;
  {
    Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
    must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg"), file("c.jpg")}));
    must(one.finish({}, {}));
  }

  EXPECT_EQ(must(store().reuse_results(second)), 3);

  EXPECT_EQ(must(store().counts(second)).asked.done, 1);
  EXPECT_EQ(must(store().counts(second)).asked.unsure, 2);
  EXPECT_EQ(must(check_run(database(), "second", false)).faults(), 0);
}

TEST_F(Unsure, OfAnEarlierModelKeepsTheConfidenceThatOneGave) {
  caption_three(0.5);
  RunSettings other = judged(0.5);
  other.model_hash = std::string(64, 'b');
  other.confidence->bias = -100;

  must(store().ensure_run("default", other, true));
  EXPECT_EQ(scan({file("a.jpg")}, false, true).redone, 1);

  EXPECT_THAT(shown(), ElementsAre("pending|-", "done|a cat", "unsure|-"));
  other.min_confidence = 0.9;  // probabilities compare, whoever tells them
  EXPECT_EQ(ensure(other).became_unsure, 1);
}

TEST_F(Unsure, IsMendedWhereAnotherProgramMarkedItWrongly) {
  caption_three(0.5);
  store_.reset();
  change("UPDATE image SET unsure = 1 - unsure WHERE image_id IN (1, 3)");
  const RunCheck found = must(check_run(database(), "default", false));
  EXPECT_EQ(found.misjudged, 2);

  EXPECT_TRUE(must(mend_run(database(), "default", false)).mended);

  EXPECT_EQ(faults(), 0);
  EXPECT_THAT(shown(), ElementsAre("done|a dog", "done|a cat", "unsure|-"));
}

TEST_F(Unsure, EvidenceAndConceptsAreKeptCopiedAndJudgedBy) {
  RunSettings s = judged(0.5);
  s.confidence->weights = {0, 0, 0, 0, 0, 0, -20, 0};
  s.confidence->means = {0, 0, 0, 0, 0, 0, 0.2, 0};
  ensure(s);
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  const CaptionEvidence evidence{-2.5, 0.75, 0.5, 0.4, 1.5};
  Result told = captioned(tasks[0], "a cup");
  auto& caption = std::get<Captioned>(told.outcome).caption;
  caption.evidence = evidence;
  caption.concepts = {{"pizza", 0.25F}, {"cup", 0.9F}};
  told.content_hash = sha256_of("A", 1);
  Result other = captioned(tasks[1], "a pizza");
  std::get<Captioned>(other.outcome).caption.concepts = {{"pizza", 0.8F}, {"pizza", 0.7F}};
  record({told, other, captioned(tasks[2], "untold")});

  // 5 - 20 * 0.4 is below 0, and 5 - 20 * 0.2, where it is not told, above.
  EXPECT_THAT(shown(), ElementsAre("unsure|-", "done|a pizza", "done|untold"));
  const auto concepts = [this](const char* run) {
    return plain_rows(database(),
                      "SELECT substr(uri, -5), word, probability FROM photo_concept "
                      "WHERE run = '" +
                          std::string(run) + "' ORDER BY 1, 3 DESC");
  };
  EXPECT_THAT(concepts("default"),
              ElementsAre("a.jpg|cup|0.9", "a.jpg|pizza|0.25", "b.jpg|pizza|0.8"));
  const auto row = must(store().image(tasks[0].image_id));
  EXPECT_EQ(row->evidence, evidence);
  EXPECT_EQ(row->concepts, (std::vector<Concept>{{"cup", 0.9F}, {"pizza", 0.25F}}));

  const SharedResults shared = must(store().results_to_share(run(), std::nullopt, 100));
  ASSERT_EQ(shared.results.size(), 1U);
  const Caption& again = std::get<Captioned>(shared.results[0].outcome).caption;
  EXPECT_EQ(again.evidence, evidence);
  EXPECT_EQ(again.concepts, row->concepts);

  const RunId second = must(store().ensure_run("second", s)).run.id;
  {
    Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
    must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg"), file("c.jpg")}));
    must(one.finish({}, {}));
  }
  EXPECT_EQ(must(store().reuse_results(second)), 3);
  EXPECT_EQ(concepts("second"), concepts("default"));
  EXPECT_EQ(must(store().counts(second)).asked.unsure, 1);

  RunSettings strict = s;
  strict.blur.blur_threshold = 1000;
  ensure(strict);
  EXPECT_THAT(concepts("default"), IsEmpty());
  ensure(s);
  EXPECT_EQ(concepts("default"), concepts("second"));
  EXPECT_THAT(shown()[0], "unsure|-");
}

}  // namespace
}  // namespace photoscribe::test
