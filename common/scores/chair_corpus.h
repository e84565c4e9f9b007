// chair_corpus: CHAIR of many photos whose captions are token numbers, with intervals.
//
// Every different word is looked up in the list once; then captions cost a few comparisons a word.
#pragma once

#include <span>
#include <vector>

#include "common/scores/bootstrap.h"
#include "common/scores/caption_set.h"
#include "common/scores/chair.h"
#include "common/scores/score_corpus.h"

namespace photoscribe {

class CorpusChair {
 public:
  /// The sets are grouped, share `words`, and outlive this; so does the lexicon. A hypothesis is
  /// its photo's first caption.
  CorpusChair(const ObjectLexicon& lexicon, const TokenTable& words, const CaptionSet& hypotheses,
              const CaptionSet& references);

  [[nodiscard]] ChairObjects of(ScoredPair pair) const;
  /// Of each pair, in order, on `threads` threads.
  [[nodiscard]] std::vector<ChairCounts> counts(std::span<const ScoredPair> pairs,
                                                int threads) const;
  [[nodiscard]] const ObjectLexicon& lexicon() const noexcept { return lexicon_; }

 private:
  [[nodiscard]] LexiconWords words_of(TokenSpan tokens) const;

  const ObjectLexicon& lexicon_;
  const CaptionSet& hypotheses_;
  const CaptionSet& references_;
  std::vector<LexiconWords> by_token_;
};

/// The counts of all photos added up.
[[nodiscard]] ChairCounts sum_of(std::span<const ChairCounts> photos) noexcept;

/// 95 %, of the same draws of photos as bootstrap_intervals() makes.
struct ChairIntervals {
  Interval chair_s, chair_i, recall;
};
[[nodiscard]] ChairIntervals chair_intervals(std::span<const ChairCounts> photos,
                                             const BootstrapSettings& settings);

}  // namespace photoscribe
