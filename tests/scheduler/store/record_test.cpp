// The recorder's rule, as a table and on a real database.
#include <gmock/gmock.h>

#include "scheduler/store/record_rule.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;

TEST(RecordRule, DecidesEveryCase) {
  struct Case {
    const char* what;
    std::optional<KnownImage> image;
    std::int32_t attempt;
    Verdict verdict;
    RecordOutcome expected;
  };
  const auto image = [](ImageState state, std::optional<Reason> reason = {}) {
    return KnownImage{2, state, reason};
  };
  using enum ImageState;
  const Case cases[] = {
      {"no such image", std::nullopt, 1, Verdict::done, RecordOutcome::unknown},
      {"an attempt never asked for", image(pending), 3, Verdict::done, RecordOutcome::unknown},
      {"an older attempt", image(pending), 1, Verdict::done, RecordOutcome::superseded},
      {"the first result", image(pending), 2, Verdict::failed, RecordOutcome::recorded},
      {"done again", image(done), 2, Verdict::done, RecordOutcome::duplicate},
      {"blurred after done", image(done), 2, Verdict::blurred, RecordOutcome::duplicate},
      {"done after unsure", image(unsure), 2, Verdict::done, RecordOutcome::duplicate},
      {"unsure after a crash", image(failed, Reason::crashed_worker), 2, Verdict::unsure,
       RecordOutcome::replaced},
      {"failed after done", image(done), 2, Verdict::failed, RecordOutcome::duplicate},
      {"done after blurred", image(blurred), 2, Verdict::done, RecordOutcome::duplicate},
      {"done after a crash", image(failed, Reason::crashed_worker), 2, Verdict::done,
       RecordOutcome::replaced},
      {"blurred after a time-out", image(failed, Reason::timeout), 2, Verdict::blurred,
       RecordOutcome::replaced},
      {"done after out of memory", image(failed, Reason::device_memory), 2, Verdict::done,
       RecordOutcome::replaced},
      {"failed after a crash", image(failed, Reason::crashed_worker), 2, Verdict::failed,
       RecordOutcome::duplicate},
      {"done after truncated", image(failed, Reason::truncated), 2, Verdict::done,
       RecordOutcome::duplicate},
      {"an old attempt's done after a crash", image(failed, Reason::crashed_worker), 1,
       Verdict::done, RecordOutcome::superseded},
      {"clear but not captioned", image(pending), 2, Verdict::uncaptioned, RecordOutcome::requeued},
      {"clear but not captioned, after done", image(done), 2, Verdict::uncaptioned,
       RecordOutcome::duplicate},
  };

  for (const Case& one : cases) {
    EXPECT_EQ(record_rule(one.image, one.attempt, one.verdict), one.expected) << one.what;
  }
}

using Record = StoreTest;

TEST_F(Record, KeepsEachOutcomeWithItsScore) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();

  const auto report = record({captioned(tasks[0], "a dog runs", 321.5), blurred(tasks[1], 12.25),
                              failed(tasks[2], Reason::truncated, "ends at byte 7")});

  EXPECT_EQ(report.recorded, 3);
  EXPECT_EQ(report.done, 1);
  EXPECT_EQ(report.blurred, 1);
  EXPECT_EQ(report.failed, 1);
  EXPECT_THAT(plain_rows(database(),
                         "SELECT uri, state, reason, blur_score, caption, width, finished_at "
                         "FROM caption_result"),
              ElementsAre("/archive/photos/a.jpg|done|-|321.5|a dog runs|640|"
                          "2023-11-14T22:13:20.123Z",
                          "/archive/photos/b.jpg|blurred|-|12.25|-|640|2023-11-14T22:13:20.123Z",
                          "/archive/photos/c.jpg|failed|truncated|-|-|-|"
                          "2023-11-14T22:13:20.123Z"));
  EXPECT_EQ(counts().asked.pending, 0);
  expect_counts_are_true();
}

TEST_F(Record, TakesARepeatedBatchOnce) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "first"), blurred(tasks[1])});

  const auto again = record({captioned(tasks[0], "second"), blurred(tasks[1])});

  EXPECT_EQ(again.duplicate, 2);
  EXPECT_EQ(again.recorded, 0);
  EXPECT_THAT(plain_rows(database(), "SELECT caption FROM caption_result WHERE state = 'done'"),
              ElementsAre("first"));
  EXPECT_EQ(counts().asked.total(), 2);
}

TEST_F(Record, TakesTheSameImageTwiceInOneBatchOnce) {
  scan({file("a.jpg")});
  const auto tasks = take();

  const auto report = record({captioned(tasks[0], "one"), captioned(tasks[0], "two")});

  EXPECT_THAT(report.outcomes, ElementsAre(RecordOutcome::recorded, RecordOutcome::duplicate));
}

TEST_F(Record, LetsALateCaptionReplaceACrash) {
  scan({file("a.jpg")});
  const auto tasks = take();
  Incoming crash;
  crash.condemned.push_back({tasks[0].image_id, 1, 3, "host:9:dead"});
  must(store().record(run(), crash));
  EXPECT_EQ(counts().asked.failed_by_reason[static_cast<std::size_t>(Reason::crashed_worker)], 1);

  const auto report = record({captioned(tasks[0], "late")});

  EXPECT_EQ(report.replaced, 1);
  EXPECT_THAT(plain_rows(database(), "SELECT state, reason, caption FROM caption_result"),
              ElementsAre("done|-|late"));
  EXPECT_THAT(plain_rows(database(), "SELECT count(*) FROM result"), ElementsAre("1"));
  EXPECT_EQ(counts().asked.failed(), 0);
  expect_counts_are_true();
}

TEST_F(Record, RefusesWhatItNeverAskedFor) {
  scan({file("a.jpg")});
  const auto tasks = take();
  Task other = tasks[0];
  other.image_id = 4711;
  Task future = tasks[0];
  future.attempt = 2;
  const RunId second = must(store().ensure_run("second", settings())).run.id;

  const auto report = record({captioned(other, "x"), captioned(future, "x")});
  const auto foreign = must(store().record(second, incoming({captioned(tasks[0], "x")})));

  EXPECT_EQ(report.unknown, 2);
  EXPECT_EQ(foreign.unknown, 1);
  EXPECT_EQ(counts().asked.pending, 1);
}

TEST_F(Record, RefusesAnOlderAttempt) {
  scan({file("a.jpg")});
  const auto first = take();
  record({failed(first[0], Reason::unreadable)});
  EXPECT_EQ(must(store().retry_failed(run())), 1);

  const auto report = record({captioned(first[0], "too late")});

  EXPECT_EQ(report.superseded, 1);
  EXPECT_EQ(counts().asked.pending, 1);
  EXPECT_EQ(take()[0].attempt, 2);
}

TEST_F(Record, JudgesByTheRunsOwnThreshold) {
  scan({file("a.jpg"), file("b.jpg")});
  const auto tasks = take();

  const auto report = record({captioned(tasks[0], "too blurred", 99.9), blurred(tasks[1], 100)});

  EXPECT_THAT(report.outcomes, ElementsAre(RecordOutcome::recorded, RecordOutcome::requeued));
  EXPECT_THAT(plain_rows(database(), "SELECT state, caption, blur_score FROM caption_result"),
              ElementsAre("blurred|-|99.9", "pending|-|-"));
  const auto again = take();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].image_id, tasks[1].image_id);
  EXPECT_EQ(again[0].attempt, 2);
  expect_counts_are_true();
}

TEST_F(Record, KeepsUnparsableEntriesWithTheirBytes) {
  Incoming one;
  one.unparsable.push_back({"5-1", std::string("\0\xff", 2), "no version byte"});

  EXPECT_EQ(must(store().record(run(), one)).quarantined, 1);
  must(store().record(run(), one));  // read again, since its XDEL failed

  EXPECT_THAT(plain_rows(database(), "SELECT entry_id, hex(bytes), why FROM quarantine"),
              ElementsAre("5-1|00FF|no version byte"));
}

TEST_F(Record, CountsUnsupportedPhotosByFormat) {
  scan({file("a.heic"), file("b.tif"), file("c.tif"), file("d.jpg")});
  const auto tasks = take();

  record({failed(tasks[0], Reason::unsupported, "HEIC is not supported"),
          failed(tasks[1], Reason::unsupported, "TIFF: 4 samples of 16 bits, CMYK"),
          failed(tasks[2], Reason::unsupported, "TIFF: compression 34712 (JPEG 2000)"),
          failed(tasks[3], Reason::truncated, "JPEG: cut")});

  const auto summary = must(store().summary(run()));
  ASSERT_EQ(summary.failures.size(), 2U);
  using Formats = std::vector<std::pair<std::string, std::int64_t>>;
  EXPECT_EQ(summary.failures[0].formats, (Formats{{"TIFF", 2}, {"HEIC", 1}}));
  EXPECT_TRUE(summary.failures[1].formats.empty());
}

TEST_F(Record, KeepsDetailsOfAnyBytes) {
  scan({file("a.jpg")});

  record({failed(take()[0], Reason::unreadable, "caf\xe9.jpg: denied")});

  const auto summary = must(store().summary(run()));
  ASSERT_EQ(summary.failures.size(), 1U);
  EXPECT_EQ(summary.failures[0].example_detail, "caf%E9.jpg: denied");
  EXPECT_EQ(summary.failures[0].example_uri, "/archive/photos/a.jpg");
}

}  // namespace
}  // namespace photoscribe::test
