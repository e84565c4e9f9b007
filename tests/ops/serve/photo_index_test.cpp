// The numbers of photos in memory: they follow the database, whatever is done to it.
#include "scheduler/store/photo_index.h"

#include <gmock/gmock.h>

#include "ops/serve/photo_request.h"
#include "scheduler/store/browse.h"
#include "scheduler/store/photo_view.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using testing::ElementsAre;

class PhotoIndexTest : public StoreTest {
 protected:
  void refresh() {
    if (!browser_) browser_.emplace(must(PhotoBrowser::open(database())));
    if (!index_) index_.emplace(run());
    must(browser_->refresh(*index_));
  }
  /// Compares every photo of the index with those of one that is read from scratch.
  void expect_it_is_right() {
    PhotoIndex fresh(run());
    must(browser_->refresh(fresh));
    const auto states = [](const PhotoIndex& index) {
      return index.read([](const std::vector<PhotoNumbers>& photos, std::int64_t) {
        std::string all;
        for (const PhotoNumbers& one : photos) {
          all += std::to_string(one.image_id) + ":" + std::to_string(static_cast<int>(one.state)) +
                 ":" + std::to_string(one.blur_score) + (one.vanished ? "v " : " ");
        }
        return all;
      });
    };
    EXPECT_EQ(states(*index_), states(fresh));
  }
  std::optional<PhotoBrowser> browser_;
  std::optional<PhotoIndex> index_;
};

TEST_F(PhotoIndexTest, FollowsNewPhotosResultsRetriesAndThresholds) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg"), file("d.jpg")});
  refresh();
  expect_it_is_right();
  const auto tasks = take();
  record({captioned(tasks[0], "a dog"), blurred(tasks[1]), failed(tasks[2], Reason::timeout)});
  refresh();
  expect_it_is_right();
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg"), file("d.jpg"), file("e.jpg"), file("0.jpg")});
  refresh();
  expect_it_is_right();
  must(store().retry_failed(run()));
  refresh();
  expect_it_is_right();
  must(store().ensure_run("default", settings(1)));
  refresh();
  expect_it_is_right();
  scan({file("a.jpg")});  // the others have vanished
  refresh();
  expect_it_is_right();
  const std::int64_t version = index_->version();
  refresh();
  EXPECT_EQ(index_->version(), version) << "nothing has changed";
}

TEST_F(PhotoIndexTest, Issue16LearnsThatPhotosVanishedAndCameBack) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog"), captioned(tasks[1], "a cat"), blurred(tasks[2])});
  refresh();
  const auto vanished = [this] {
    refresh();
    expect_it_is_right();
    PhotoFilter filter;
    filter.vanished = true;
    return make_view(*index_, filter, nullptr).image_ids;
  };
  EXPECT_THAT(vanished(), ElementsAre());
  scan({file("b.jpg"), file("c.jpg")});
  EXPECT_THAT(vanished(), ElementsAre(tasks[0].image_id));
  scan({file("a.jpg"), file("c.jpg")});  // one for another: every count is as it was
  EXPECT_THAT(vanished(), ElementsAre(tasks[1].image_id));
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  EXPECT_THAT(vanished(), ElementsAre());
  const std::int64_t version = index_->version();
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  EXPECT_THAT(vanished(), ElementsAre());
  EXPECT_EQ(index_->version(), version) << "a scan that finds nothing new costs no reading";
}

TEST_F(PhotoIndexTest, GivesUpReadingWhenNobodyWaits) {
  scan({file("a.jpg")});
  refresh();
  PhotoIndex fresh(run());
  const Status given_up = browser_->refresh(fresh, [] { return true; });
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, Errc::cancelled);
  EXPECT_EQ(fresh.version(), 0);
}

TEST_F(PhotoIndexTest, SortsAndFilters) {
  scan({file("a.jpg"), file("b.jpg"), file("c.jpg")});
  const auto tasks = take();
  record({captioned(tasks[0], "a dog", 900), captioned(tasks[1], "a cat", 300), blurred(tasks[2])});
  refresh();
  PhotoFilter filter;
  filter.sort = PhotoSort::blur;
  EXPECT_THAT(make_view(*index_, filter, nullptr).image_ids,
              ElementsAre(tasks[2].image_id, tasks[1].image_id, tasks[0].image_id));
  EXPECT_THAT(make_view(*index_, filter, nullptr).keys, ElementsAre(20, 300, 900));
  filter.descending = true;
  filter.states = {ImageState::done};
  EXPECT_THAT(make_view(*index_, filter, nullptr).image_ids,
              ElementsAre(tasks[0].image_id, tasks[1].image_id));
  filter = {};
  const std::vector<std::int64_t> among{tasks[1].image_id, 4711, tasks[0].image_id};
  EXPECT_THAT(make_view(*index_, filter, &among).image_ids,
              ElementsAre(tasks[1].image_id, tasks[0].image_id));
  const ThresholdCounts counts = count_threshold(*index_, 500);
  EXPECT_EQ(counts.below, 2);
  EXPECT_EQ(counts.would_blur, 1);
  EXPECT_EQ(counts.would_clear, 0);
  EXPECT_EQ(count_threshold(*index_, 20).would_clear, 1) << "a score at the threshold is clear";
}

TEST_F(PhotoIndexTest, ReportsThePace) {
  std::vector<FoundFile> files;
  for (int i = 0; i < 100; ++i) files.push_back(file(std::to_string(i) + ".jpg"));
  scan(files);
  std::vector<Result> results;
  for (const Task& task : take()) {
    results.push_back(captioned(task, "a dog"));
    results.back().finished_unix_ms =
        1'700'000'000'000 + 1000 * static_cast<std::int64_t>(results.size());
  }
  record(results);
  refresh();
  const auto pace = must(browser_->pace(1'700'000'050'500, 10));
  ASSERT_GE(pace.size(), 10U);
  EXPECT_EQ(pace.front().unix_ms, 1'700'000'051'000);
  EXPECT_EQ(pace.back().unix_ms, 1'700'000'100'000);
  EXPECT_TRUE(must(browser_->pace(1'800'000'000'000, 10)).size() <= 1);
}

TEST(AsTyped, TheLastWordMayBeABeginning) {
  EXPECT_EQ(serve::as_typed(""), "");
  EXPECT_EQ(serve::as_typed("dog"), "dog*");
  EXPECT_EQ(serve::as_typed("photographer:ana"), "photographer:ana*");
  EXPECT_EQ(serve::as_typed("dog beach "), "dog beach ");
  EXPECT_EQ(serve::as_typed("où"), "où");
  EXPECT_EQ(serve::as_typed("plage été"), "plage été*");
  EXPECT_EQ(serve::as_typed("do"), "do") << "too short for a beginning";
  EXPECT_EQ(serve::as_typed("dog -cat"), "dog -cat");
  EXPECT_EQ(serve::as_typed("\"red car"), "\"red car");
  EXPECT_EQ(serve::as_typed("\"red car\" surf*"), "\"red car\" surf*");
}

}  // namespace
}  // namespace photoscribe::test
