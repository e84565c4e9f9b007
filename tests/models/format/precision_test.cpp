#include "models/format/precision.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

using testing::ElementsAre;
using enum Precision;

TEST(PrecisionsToTry, AutoTriesWhateverCpuAndModelHave) {
  EXPECT_THAT(precisions_to_try(automatic, false, false), ElementsAre(float32));
  EXPECT_THAT(precisions_to_try(automatic, true, false), ElementsAre(bfloat16, float32));
  EXPECT_THAT(precisions_to_try(automatic, false, true), ElementsAre(int8, float32));
  // An Intel Xeon with avx512_bf16 and without AMX multiplies bfloat16 more slowly than float32.
  EXPECT_THAT(precisions_to_try(automatic, true, true), ElementsAre(int8, bfloat16, float32));
}

TEST(PrecisionsToTry, OthersMeanThemselves) {
  for (const bool has : {false, true})
    for (const Precision asked : {float32, bfloat16, int8})
      EXPECT_THAT(precisions_to_try(asked, has, has), ElementsAre(asked));
}

TEST(PrecisionsToTry, Int8MustBeFasterByMoreThanChance) {
  for (const Precision other : {float32, bfloat16}) {
    EXPECT_LT(trial_cost_s(int8, 0.80), trial_cost_s(other, 1.0));
    EXPECT_GT(trial_cost_s(int8, 0.90), trial_cost_s(other, 1.0));
    EXPECT_GT(trial_cost_s(int8, 1.00), trial_cost_s(other, 1.0));
  }
  EXPECT_LT(trial_cost_s(bfloat16, 0.99), trial_cost_s(float32, 1.0));
}

}  // namespace
}  // namespace photoscribe
