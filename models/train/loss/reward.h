// reward: the reward of captions sampled from a model in training. Private to models/train.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "common/scores/cider.h"
#include "models/train/data/dataset.h"

namespace photoscribe {

struct RewardSettings {
  double cider = 1;  // weight of CIDEr-D, in [0, 10]
  double bleu = 2;   // weight of the mean of BLEU-1..4, in [0, 1]
  /// Subtracted for each time that a caption names a concept more often than any reference does:
  /// things that are not there, and "a bed with a bed".
  double false_concept = 0;
  /// Added for each concept that kSeveral references name and the caption names: what a photo is of
  /// (the recall that `score --chair` reports). Without it, false_concept alone makes captions that
  /// name less.
  double main_concept = 0;
};

/// CIDEr-D and sentence BLEU against a split's references. Frequencies are the split's own.
///
/// Deviations from the scores that are reported: tokens are the vocabulary's numbers (a word that
/// is not in it matches nothing); the end of a caption counts as a word, without which captions
/// learn to break off ("a man in a"); BLEU-2..4 have one added to matches and totals (Lin & Och,
/// ACL 2004), since a single caption mostly has no match of four words.
class Reward {
 public:
  static constexpr std::int64_t kSeveral = 3;  // as many as --chair takes for main objects

  /// `of_word` (V): the concept that each word names, -1: none; empty: no concepts.
  Reward(const std::vector<CaptionedPhoto>& split, const Vocabulary& vocabulary,
         const RewardSettings& settings, std::vector<std::int64_t> of_word = {});

  /// Of `caption` (its end token included, if it has one) for photo `photo` of the split.
  [[nodiscard]] double score(std::int64_t photo, const std::vector<std::int64_t>& caption) const;

 private:
  [[nodiscard]] std::int64_t false_concepts(std::size_t photo,
                                            const std::vector<std::int64_t>& caption) const;

  [[nodiscard]] std::int64_t main_concepts(std::size_t photo,
                                           const std::vector<std::int64_t>& caption) const;

  RewardSettings settings_;
  std::vector<std::int64_t> of_word_;
  /// Of each photo: how often a reference names each concept, at most.
  std::vector<std::map<std::int64_t, std::int64_t>> named_;
  std::vector<std::set<std::int64_t>> main_;  // of each photo: concepts that kSeveral of them name
  std::vector<std::vector<TokenIds>> references_;
  CiderReferences cider_;
};

}  // namespace photoscribe
