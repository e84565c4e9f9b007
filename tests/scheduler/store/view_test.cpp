// What plain sqlite3, an export and a search see.
#include <gmock/gmock.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Views = StoreTest;

constexpr const char* kColumns =
    "run,root,uri,state,reason,blur_score,blur_threshold,caption,log_prob,bleu1,bleu2,bleu3,bleu4,"
    "width,height,model,worker,finished_at,edited_caption,edited_by,edited_at";

TEST_F(Views, HaveTheDocumentedColumns) {
  for (const char* view : {"caption_result", "caption_result_latest"}) {
    EXPECT_THAT(
        plain_rows(database(),
                   std::string("SELECT group_concat(name) FROM pragma_table_info('") + view + "')"),
        ElementsAre(kColumns));
  }
}

TEST_F(Views, ShowEveryColumnOfAResult) {
  scan({file("a.jpg")});
  must(store().set_references(run(),
                              std::vector<NamedReferences>{{"a.jpg", {"a dog runs fast", "dog"}}}));
  record({captioned(take()[0], "a dog runs fast", 321.5)});

  EXPECT_THAT(
      plain_rows(
          database(),
          "SELECT run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob, "
          "round(bleu1, 6), round(bleu2, 6), round(bleu3, 6), round(bleu4, 6), width, height, "
          "model, worker, finished_at FROM caption_result"),
      ElementsAre("default|photos|/archive/photos/a.jpg|done|-|321.5|100.0|a dog runs fast|-3.5|"
                  "1.0|1.0|1.0|1.0|640|480|" +
                  std::string(64, 'a') + "|host:1:abc|2023-11-14T22:13:20.123Z"));
}

TEST_F(Views, ShowTheRunThatFinishedAPhotoLast) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "old a"), captioned(tasks[1], "old b")});
  const RunId second = must(store().ensure_run("second", settings())).run.id;
  {
    Scan again = must(store().begin_scan(second, {{"photos", "/archive/photos"}}));
    must(again.add(std::vector<FoundFile>{file("a.jpg"), file("b.jpg"), file("c.jpg")}));
    must(again.finish({}, {}));
  }
  Result newer = captioned(must(store().take_tasks(second, 1))[0], "new a");
  newer.finished_unix_ms += 1;
  must(store().record(second, incoming({newer})));

  EXPECT_THAT(plain_rows(database(), "SELECT count(*) FROM caption_result"), ElementsAre("6"));
  EXPECT_THAT(
      plain_rows(database(), "SELECT uri, run, caption FROM caption_result_latest ORDER BY uri"),
      ElementsAre("/archive/photos/a.jpg|second|new a", "/archive/photos/b.jpg|default|old b",
                  "/archive/photos/c.jpg|second|-"));
}

TEST_F(Views, AgreeWithTheExport) {
  FoundFile bytes = file("bad\xff.jpg");
  scan({file("a.jpg"), bytes, file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog"), failed(tasks[1], Reason::truncated, "cut")});

  std::vector<ResultRow> rows;
  must(store().for_each_result(run(), [&](const ResultRow& row) {
    rows.push_back(row);
    return Status();
  }));

  ASSERT_THAT(rows, SizeIs(3));
  std::vector<std::string> uris;
  for (const ResultRow& row : rows) uris.push_back(row.uri + "|" + row.state);
  EXPECT_EQ(plain_rows(database(), "SELECT uri, state FROM caption_result"), uris);
  EXPECT_EQ(rows[1].path, "bad\xff.jpg");
  EXPECT_EQ(rows[1].reason, "truncated");
  EXPECT_EQ(rows[1].detail, "cut");
  EXPECT_EQ(rows[0].caption, "a dog");
  EXPECT_EQ(rows[0].width_px, 640);
  EXPECT_EQ(rows[2].finished_unix_ms, std::nullopt);
  EXPECT_EQ(
      store()
          .for_each_result(
              run(), [](const ResultRow&) -> Status { return fail(Errc::cancelled, "enough"); })
          .error()
          .code,
      Errc::cancelled);
}

TEST_F(Views, FindCurrentCaptionsByTheirWords) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a brown dog runs"), captioned(tasks[1], "two dogs swim"),
          blurred(tasks[2])});
  while (must(store().index_captions(1)) > 0) {
  }

  const auto photos = hits("brown AND runs");
  ASSERT_THAT(photos, SizeIs(1));
  EXPECT_EQ(photos[0].uri, "/archive/photos/a.jpg");

  FoundFile changed = file("a.jpg", 77);
  scan({changed, file("b.jpg"), file("c.jpg")});
  EXPECT_THAT(hits("brown"), SizeIs(0));
  record({captioned(take()[0], "a brown cat")});
  must(store().index_captions(100));
  EXPECT_EQ(hits("brown")[0].caption, "a brown cat");
}

TEST_F(Views, FindALateCaptionThatReplacedACrash) {
  scan({file("a.jpg")});
  const auto tasks = take();
  record({failed(tasks[0], Reason::crashed_worker)});
  must(store().index_captions(100));
  record({captioned(tasks[0], "a late dog")});
  must(store().index_captions(100));

  EXPECT_THAT(hits("late"), SizeIs(1));
}

}  // namespace
}  // namespace photoscribe::test
