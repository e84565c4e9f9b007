// Content reuse: what a new run takes over from others of the database.
#include <gmock/gmock.h>

#include <map>

#include "scheduler/store/check_run.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;

class Reuse : public StoreTest {};

TEST_F(Reuse, TakesOverWhatAnotherRunHasOfUnchangedPhotos) {
  scan({file("clear.jpg"), file("blurred.jpg"), file("failed.jpg"), file("changed.jpg"),
        file("dim.jpg"), file("waits.jpg")});
  std::map<std::string, Task> tasks;
  for (const Task& task : take()) tasks[task.path] = task;
  record({captioned(tasks["clear.jpg"], "a dog", 500), blurred(tasks["blurred.jpg"], 20),
          failed(tasks["failed.jpg"], Reason::truncated),
          captioned(tasks["changed.jpg"], "a cat", 500), captioned(tasks["dim.jpg"], "fog", 150)});
  const RunId second = must(store().ensure_run("second", settings(200))).run.id;
  Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(one.add(std::vector<FoundFile>{file("clear.jpg"), file("blurred.jpg"), file("failed.jpg"),
                                      file("changed.jpg", 2000), file("dim.jpg"), file("waits.jpg"),
                                      file("new.jpg")}));
  must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));

  EXPECT_EQ(must(store().reuse_results(second)), 3);

  EXPECT_THAT(
      plain_rows(database(),
                 "SELECT uri, state, caption, blur_score FROM caption_result "
                 "WHERE run = 'second' ORDER BY uri"),
      ElementsAre("/archive/photos/blurred.jpg|blurred|-|20.0",
                  "/archive/photos/changed.jpg|pending|-|-",
                  "/archive/photos/clear.jpg|done|a dog|500.0",
                  "/archive/photos/dim.jpg|blurred|-|150.0",  // by the run's own threshold
                  "/archive/photos/failed.jpg|pending|-|-", "/archive/photos/new.jpg|pending|-|-",
                  "/archive/photos/waits.jpg|pending|-|-"));
  EXPECT_EQ(must(store().reuse_results(second)), 0);
  EXPECT_EQ(must(store().counts(second)).asked.pending, 4);
  EXPECT_EQ(must(store().take_tasks(second, 10)).size(), 4U);
  EXPECT_EQ(must(check_run(database(), "second", false)).faults(), 0);
}

TEST_F(Reuse, TakesNothingOverFromAnotherKeyNorWhatIsEnqueued) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog"), blurred(tasks[1], 90)});
  const auto fill = [&](const std::string& name, const RunSettings& wanted) {
    const RunId id = must(store().ensure_run(name, wanted)).run.id;
    Scan one = must(store().begin_scan(id, {{"photos", "/archive/photos"}}));
    must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg")}));
    must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
    return id;
  };
  RunSettings other = settings();
  other.search.beam += 1;
  EXPECT_EQ(must(store().reuse_results(fill("beam", other))), 0);
  // Clear under this threshold, and nobody has captioned it: it is done anew.
  EXPECT_EQ(must(store().reuse_results(fill("clearer", settings(80)))), 1);
  const RunId late = fill("late", settings());
  must(store().take_tasks(late, 1));
  EXPECT_EQ(must(store().reuse_results(late)), 1);
}

// What was kept beside a caption goes wherever the caption goes.
TEST_F(Reuse, Issue16AlternativesAndAttentionGoWithTheirCaption) {
  const auto keeping = [](RunSettings settings) {
    settings.search.alternatives = 2;
    settings.search.attention = 1;
    return settings;
  };
  must(store().ensure_run("default", keeping(settings()), true));
  scan({file("a.jpg"), file("plain.jpg")});
  const auto tasks = take();
  Result looked = captioned(tasks[0], "a dog runs");
  Caption& caption = std::get<Captioned>(looked.outcome).caption;
  caption.tokens = 3;
  caption.alternatives = {{"a dog plays", -6.5, 3}, {"a dog", -7, 2}};
  caption.attention = AttentionMaps{2, 1, {0, 255, 255, 0, 9, 255}};
  looked.content_hash = sha256_of("A", 1);
  record({looked, captioned(tasks[1], "a cat")});
  EXPECT_EQ(must(store().image(tasks[0].image_id))->alternatives, caption.alternatives);
  EXPECT_EQ(must(store().attention(tasks[0].image_id)), caption.attention);
  EXPECT_TRUE(must(store().image(tasks[1].image_id))->alternatives.empty());
  EXPECT_FALSE(must(store().attention(tasks[1].image_id)));

  const SharedResults shared = must(store().results_to_share(run(), std::nullopt, 100));
  ASSERT_EQ(shared.results.size(), 1U);
  const Caption& told = std::get<Captioned>(shared.results[0].outcome).caption;
  EXPECT_EQ(told.alternatives, caption.alternatives);
  EXPECT_EQ(told.attention, caption.attention);

  const RunId second = must(store().ensure_run("second", keeping(settings()))).run.id;
  Scan again = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(again.add(std::vector<FoundFile>{file("a.jpg")}));
  must(again.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
  EXPECT_EQ(must(store().reuse_results(second)), 1);
  EXPECT_THAT(plain_rows(database(),
                         "SELECT image.run_id, ordinal, result_alternative.caption, cells "
                         "FROM result_alternative JOIN result_attention USING (result_id) "
                         "JOIN result USING (result_id) JOIN image USING (image_id) "
                         "ORDER BY image.run_id, ordinal")
                  .size(),
              4U);

  // Blurred now: no caption, nothing beside it.
  must(store().ensure_run("second", keeping(settings(600))));
  must(store().ensure_run("second", keeping(settings())));
  const auto row = must(store().photo_at(second, "photos", "a.jpg"));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, "done");
  EXPECT_EQ(row->alternatives, caption.alternatives);
  EXPECT_EQ(must(store().attention(row->image_id)), caption.attention);
}

class SharedContent : public StoreTest {
 protected:
  static ContentHash hash_of(const std::string& bytes) {
    return sha256_of(bytes.data(), bytes.size());
  }
  static Result hashed(Result result, const std::string& bytes) {
    result.content_hash = hash_of(bytes);
    return result;
  }
};

TEST_F(SharedContent, IsRecordedShownAndCounted) {
  scan({file("a.jpg"), file("copy.jpg"), file("nearly.jpg"), file("broken.jpg")});
  std::map<std::string, Task> tasks;
  for (const Task& task : take()) tasks[task.path] = task;
  Result copy = hashed(captioned(tasks["copy.jpg"], "a dog"), "A");
  copy.copied_from = CopiedFrom{tasks["a.jpg"].image_id, std::nullopt};
  Result nearly = hashed(captioned(tasks["nearly.jpg"], "a dog"), "A'");
  nearly.copied_from = CopiedFrom{tasks["a.jpg"].image_id, 3};
  const RecordReport report = record({hashed(captioned(tasks["a.jpg"], "a dog"), "A"), copy, nearly,
                                      hashed(failed(tasks["broken.jpg"], Reason::truncated), "B")});

  EXPECT_THAT(plain_rows(database(),
                         "SELECT uri, state, substr(sha256, 1, 8), copied_from, hash_distance "
                         "FROM photo_content ORDER BY uri"),
              ElementsAre("/archive/photos/a.jpg|done|559aead0|-|-",
                          "/archive/photos/broken.jpg|failed|df7e70e5|-|-",
                          "/archive/photos/copy.jpg|done|559aead0|/archive/photos/a.jpg|-",
                          "/archive/photos/nearly.jpg|done|" + to_hex(hash_of("A'")).substr(0, 8) +
                              "|/archive/photos/a.jpg|3"));
  ASSERT_EQ(report.fresh.size(), 1U) << "what was worked out, and succeeded";
  EXPECT_EQ(report.fresh[0].content_hash, hash_of("A"));
  const StoreSummary summary = must(store().summary(run()));
  EXPECT_EQ(summary.equal_photos, 1);
  EXPECT_EQ(summary.near_duplicates, 1);
  const auto row = must(store().image(tasks["nearly.jpg"].image_id));
  EXPECT_EQ(row->copied_from, "/archive/photos/a.jpg");
  EXPECT_EQ(row->hash_distance, 3);
  EXPECT_EQ(row->sha256, to_hex(hash_of("A'")));
  EXPECT_EQ(must(store().results_to_share(run(), std::nullopt, 100)).results.size(), 1U);
}

TEST_F(SharedContent, IsSharedNewestFirstBetweenRunsOfOneKey) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg"), file("unhashed.jpg")});
  const auto tasks = take();
  record({hashed(captioned(tasks[0], "a dog"), "A"), hashed(blurred(tasks[1]), "B"),
          hashed(failed(tasks[2], Reason::truncated), "C"), captioned(tasks[3], "a cat")});
  RunSettings nearly = settings();
  nearly.near_duplicates = 4;  // alters what becomes of other photos, not of these
  const RunId second = must(store().ensure_run("second", nearly)).run.id;

  const SharedResults all = must(store().results_to_share(second, std::nullopt, 100));

  ASSERT_EQ(all.results.size(), 2U);
  EXPECT_EQ(all.next_below, 0);
  EXPECT_EQ(all.results[0].content_hash, hash_of("B"));
  EXPECT_TRUE(std::holds_alternative<Blurred>(all.results[0].outcome));
  EXPECT_EQ(std::get<Captioned>(all.results[1].outcome).caption.text, "a dog");
  EXPECT_EQ(all.results[1].blur_scores, every_mode(500));
  EXPECT_EQ(all.results[1].width_px, 640);
  const SharedResults page = must(store().results_to_share(second, std::nullopt, 3));
  EXPECT_EQ(page.results.size(), 1U) << "of the three newest rows";
  EXPECT_EQ(must(store().results_to_share(second, page.next_below, 3)).results.size(), 1U);
  RunSettings other = settings();
  other.search.beam += 1;
  const RunId third = must(store().ensure_run("third", other)).run.id;
  EXPECT_TRUE(must(store().results_to_share(third, std::nullopt, 100)).results.empty());
}

TEST_F(SharedContent, Issue13APreviewOfARawFileIsSaidWhereverItsResultGoes) {
  scan({file("a.nef"), file("b.jpg")});
  const auto tasks = take();
  Result raw = hashed(captioned(tasks[0], "a dog", 150), "A");
  raw.preview = true;
  record({raw, hashed(captioned(tasks[1], "a cat", 150), "B")});
  const auto previews = [this](RunId run) {
    std::vector<std::string> paths;
    must(store().for_each_result(run, [&](const ResultRow& row) -> Status {
      if (row.preview) paths.push_back(row.path);
      return {};
    }));
    return paths;
  };

  EXPECT_THAT(previews(run_), ElementsAre("a.nef"));
  for (const Result& one : must(store().results_to_share(run_, std::nullopt, 100)).results)
    EXPECT_EQ(one.preview, one.content_hash == hash_of("A"));
  must(store().ensure_run("default", settings(200)));  // blurred now
  EXPECT_THAT(previews(run_), ElementsAre("a.nef"));
  const RunId second = must(store().ensure_run("second", settings(200))).run.id;
  Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(one.add(std::vector<FoundFile>{file("a.nef"), file("b.jpg")}));
  must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
  must(store().reuse_results(second));
  EXPECT_THAT(previews(second), ElementsAre("a.nef"));
}

TEST_F(SharedContent, ABorrowedCaptionIsNotTakenOverByAnotherRun) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  Result nearly = hashed(captioned(tasks[1], "a dog"), "B");
  nearly.copied_from = CopiedFrom{tasks[0].image_id, 2};
  record({hashed(captioned(tasks[0], "a dog"), "A"), nearly});
  const RunId second = must(store().ensure_run("second", settings())).run.id;
  Scan one = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
  must(one.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg")}));
  must(one.finish(std::vector<Scan::Walked>{{0, ""}}, {}));

  EXPECT_EQ(must(store().reuse_results(second)), 1);

  EXPECT_THAT(
      plain_rows(database(),
                 "SELECT uri, substr(sha256, 1, 8) FROM photo_content WHERE run = 'second'"),
      ElementsAre("/archive/photos/a.jpg|559aead0"));
}

TEST_F(SharedContent, StaysWithAPhotoThatIsJudgedAnew) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  Result copy = hashed(captioned(tasks[1], "a dog", 150), "A");
  copy.copied_from = CopiedFrom{tasks[0].image_id, std::nullopt};
  Result nearly = hashed(captioned(tasks[2], "a dog", 150), "C");
  nearly.copied_from = CopiedFrom{tasks[0].image_id, 2};
  record({hashed(captioned(tasks[0], "a dog", 150), "A"), copy, nearly});
  const std::string rows =
      "SELECT state, substr(sha256, 1, 4), copied_from, hash_distance FROM photo_content "
      "ORDER BY uri";
  const auto before = plain_rows(database(), rows);

  must(store().ensure_run("default", settings(200)));
  EXPECT_THAT(plain_rows(database(), rows),
              ElementsAre("blurred|559a|-|-", "blurred|559a|/archive/photos/a.jpg|-",
                          "blurred|" + to_hex(hash_of("C")).substr(0, 4) + "|-|-"));
  must(store().ensure_run("default", settings(100)));

  EXPECT_EQ(plain_rows(database(), rows), before);
}

TEST_F(SharedContent, ALateResultOfOtherSettingsIsNotFresh) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  RunSettings other = settings();
  other.search.beam += 1;
  must(store().ensure_run("default", other, true));
  scan({file("b.jpg")}, true, true);  // a.jpg is not named, and keeps its attempt

  const std::size_t late = tasks[0].path == "a.jpg" ? 0 : 1;
  const RecordReport report = record({hashed(captioned(tasks[late], "a dog"), "A")});

  EXPECT_EQ(report.recorded, 1);
  EXPECT_TRUE(report.fresh.empty());
}

}  // namespace
}  // namespace photoscribe::test
