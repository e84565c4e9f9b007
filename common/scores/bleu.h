// bleu: BLEU-1..4 exactly as coco-caption computes it (equal to 1e-9 given the same
// tokens).
//
// Everything is additive counts: the corpus score is the BLEU of the summed counts, not the mean of
// the sentence scores. It knows nothing of text: tokens come from tokenize.h or are numbers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/scores/ngrams.h"

namespace photoscribe {

using Tokens = std::vector<std::string>;

/// N-gram counts of one candidate: enough for its BLEU, and additive.
struct BleuCounts {
  std::array<std::int64_t, 4> matched{};  // clipped matches, n = 1..4
  std::array<std::int64_t, 4> total{};    // the candidate's n-grams, n = 1..4
  std::int64_t candidate_tokens = 0;
  std::int64_t reference_tokens = 0;  // of the reference closest in length; ties take the shorter
  BleuCounts& operator+=(const BleuCounts& other) noexcept;
  bool operator==(const BleuCounts&) const = default;
};

/// Counts of `candidate` against all its references: a match counts at most as often as in the one
/// reference that holds it most often. Requires at least one reference.
///
/// Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002,
/// section 2; the length is that of the closest reference (coco-caption's option "closest").
[[nodiscard]] BleuCounts count_bleu(const Tokens& candidate, std::span<const Tokens> references);
/// The same of tokens that are numbers: many times faster.
[[nodiscard]] BleuCounts count_bleu(TokenSpan candidate, std::span<const TokenSpan> references);

/// BLEU-1..4 in [0, 1], cumulative with equal weights, of one candidate's counts or of the summed
/// counts of a corpus.
///
/// coco-caption's smoothing: 1e-15 on every numerator and the candidate's length, 1e-9 on every
/// denominator and the reference length; so a score is never exactly 0 or 1, and the brevity
/// penalty applies below a ratio of 1.
[[nodiscard]] std::array<double, 4> bleu(const BleuCounts& counts) noexcept;

}  // namespace photoscribe
