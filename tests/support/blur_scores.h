// blur_scores: scores for tests that care for none of the modes.
#pragma once

#include "common/core/blur.h"

namespace photoscribe::test {

/// The same score in every mode.
inline BlurScores every_mode(double score) {
  BlurScores scores;
  scores.by_mode.fill(score);
  return scores;
}

}  // namespace photoscribe::test
