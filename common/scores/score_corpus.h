// score_corpus: all scores of many captions, of each and of all together, with intervals.
//
// From here on captions are numbers; what is kept of a photo is what its scores are sums of, so
// that a corpus, a resample of it or a part of it is scored without looking at a word again.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/scores/bleu_rules.h"
#include "common/scores/caption_set.h"
#include "common/scores/cider.h"

namespace photoscribe {

/// What one photo brings to the scores.
struct PhotoScore {
  BleuCounts counts;   // already as the rule adds them up
  double rouge_l = 0;  // in [0, 1]
  double cider_d = 0;  // in [0, 10]
};

struct CorpusScore {
  std::array<double, 4> bleu{};  // in [0, 1]
  double rouge_l = 0, cider_d = 0;
};

/// One hypothesis of `hypotheses` against all captions of one photo of `references`.
struct ScoredPair {
  std::uint32_t hypothesis = 0, reference = 0;  // photo numbers in the two sets
};

/// Counts every reference photo of `pairs` once, on `threads` threads.
[[nodiscard]] DocumentFrequencies frequencies_of(const CaptionSet& references,
                                                 std::span<const ScoredPair> pairs,
                                                 int threads = 1);

/// The cheap part alone: ROUGE-L and CIDEr-D stay 0.
[[nodiscard]] std::vector<PhotoScore> score_photos_by_bleu(const CaptionSet& hypotheses,
                                                           const CaptionSet& references,
                                                           std::span<const ScoredPair> pairs,
                                                           BleuRule rule, int threads);

/// Scores of each pair, in order, on `threads` threads (the same whatever their number). The sets
/// are grouped; a hypothesis is its photo's first caption.
[[nodiscard]] std::vector<PhotoScore> score_photos(const CaptionSet& hypotheses,
                                                   const CaptionSet& references,
                                                   std::span<const ScoredPair> pairs,
                                                   const DocumentFrequencies& frequencies,
                                                   BleuRule rule, int threads);

/// BLEU of the summed counts; means of the other two. All zero for no photos.
[[nodiscard]] CorpusScore score_of(std::span<const PhotoScore> photos, BleuRule rule);

}  // namespace photoscribe
