#include "worker/queue/run_turns.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using ::testing::ElementsAre;

/// A worker that takes `turns` times up to `batch` photos from the first run that has some.
std::map<std::string, std::size_t> take(RunTurns& turns, const std::vector<RunShare>& runs,
                                        std::map<std::string, std::size_t>& waiting, int times,
                                        std::size_t batch = 16) {
  std::map<std::string, std::size_t> taken;
  for (int i = 0; i < times; ++i) {
    for (const std::string& name : turns.order(runs)) {
      const std::size_t photos = std::min(batch, waiting[name]);
      if (photos == 0) continue;
      for (const RunShare& run : runs) {
        if (run.run == name) turns.took(run, photos);
      }
      waiting[name] -= photos;
      taken[name] += photos;
      break;
    }
  }
  return taken;
}

TEST(RunTurns, GivesPhotosInProportionToWeights) {
  RunTurns turns;
  const std::vector<RunShare> runs{{"a", 3, 0}, {"b", 1, 0}};
  std::map<std::string, std::size_t> waiting{{"a", 1'000'000}, {"b", 1'000'000}};

  const auto taken = take(turns, runs, waiting, 400);

  EXPECT_EQ(taken.at("a"), 300U * 16);
  EXPECT_EQ(taken.at("b"), 100U * 16);
}

TEST(RunTurns, FinishesASmallRunBesideAHugeOne) {
  RunTurns turns;
  const std::vector<RunShare> runs{{"huge", 1, 0}, {"small", 1, 0}};
  std::map<std::string, std::size_t> waiting{{"huge", 10'000'000}, {"small", 0}};
  take(turns, runs, waiting, 10'000);  // alone so far
  waiting["small"] = 100;

  take(turns, runs, waiting, 14);

  EXPECT_EQ(waiting["small"], 0U);
}

TEST(RunTurns, OwesNothingToARunThatHadNothing) {
  RunTurns turns;
  const std::vector<RunShare> runs{{"a", 1, 0}, {"b", 1, 0}};
  std::map<std::string, std::size_t> waiting{{"a", 1'000'000}, {"b", 16}};
  take(turns, runs, waiting, 1'000);
  waiting["b"] = 1'000'000;

  const auto taken = take(turns, runs, waiting, 100);

  EXPECT_NEAR(static_cast<double>(taken.at("a")), 50.0 * 16, 16);
  EXPECT_NEAR(static_cast<double>(taken.at("b")), 50.0 * 16, 16);
}

TEST(RunTurns, PutsHigherPrioritiesFirstWhateverTheirWeight) {
  RunTurns turns;
  const std::vector<RunShare> runs{{"low", 1'000, -1}, {"high", 1, 5}, {"usual", 1, 0}};
  std::map<std::string, std::size_t> waiting{{"low", 32}, {"high", 32}, {"usual", 32}};

  EXPECT_THAT(turns.order(runs), ElementsAre("high", "usual", "low"));
  take(turns, runs, waiting, 4);

  EXPECT_EQ(waiting["high"], 0U);
  EXPECT_EQ(waiting["usual"], 0U);
  EXPECT_EQ(waiting["low"], 32U);
}

TEST(RunTurns, AlternatesBetweenEquals) {
  RunTurns turns;
  const std::vector<RunShare> runs{{"a", 1, 0}, {"b", 1, 0}, {"c", 1, 0}};
  std::string taken;
  for (int i = 0; i < 6; ++i) {
    const std::string next = turns.order(runs).front();
    taken += next;
    turns.took({next, 1, 0}, 10);
  }

  EXPECT_EQ(taken, "abcabc");
}

}  // namespace
}  // namespace photoscribe
