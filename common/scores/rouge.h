// rouge: ROUGE-L exactly as coco-caption computes it (equal to 1e-9 given the same
// tokens).
//
// The corpus score is the mean over photos. It knows nothing of text: tokens are numbers.
#pragma once

#include <span>

#include "common/scores/ngrams.h"

namespace photoscribe {

/// ROUGE-L of one caption in [0, 1]: the F-score (beta 1.2) of the longest common subsequence.
/// Requires at least one reference.
///
/// Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3. coco-caption's
/// deviations: the largest precision and the largest recall are taken over the references each by
/// itself, beta is 1.2, and an empty caption is one empty token (it matches an empty reference).
[[nodiscard]] double rouge_l(TokenSpan hypothesis, std::span<const TokenSpan> references);

}  // namespace photoscribe
