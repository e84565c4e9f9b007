// wishes: the concepts that a photo's caption should name, since the classifier beside the decoder
// is sure of them, and which captions of a batch omit one. Private to models/.
//
// Pure: what becomes of a wish is the search's matter (beams.h).
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/decoder/decoder_parameters.h"
#include "models/search/hypothesis.h"

namespace photoscribe {

/// The wishes of N photos as words: `count` of each photo, K words for all of them.
struct WishTensors {
  int count = 0;
  torch::Tensor words;  // (N,K) int64, K / count for each wish, one wish after the other
  torch::Tensor real;   // (N,K) bool: false where a wish has fewer words than others
};

/// Photos with as many wishes, of which their captions omit at least one.
struct WishGroup {
  std::vector<std::int64_t> photos;  // places in the batch
  WishTensors wishes;                // on the CPU
};

class WishRule {
 public:
  /// More than two wishes would make eight states of beams, and mostly name one thing twice.
  static constexpr std::size_t kWishesMax = 2;

  /// No concepts (null): nothing is ever wished.
  explicit WishRule(const ConceptParameters* concepts);

  /// The concepts with at least ModelArchitecture::concept_said_min, likeliest first, kWishesMax at
  /// most. One that has no word is never wished.
  [[nodiscard]] std::vector<std::int64_t> wishes(const std::vector<float>& probabilities) const;

  /// How many of `wishes` the words name, by any of their words.
  [[nodiscard]] int named(const std::vector<std::int64_t>& words,
                          const std::vector<std::int64_t>& wishes) const;

  /// The captions that omit a wish, those with equally many wishes together, `states_max` states of
  /// beams in a group at most (one photo's, if these are more).
  [[nodiscard]] std::vector<WishGroup> unmet(const std::vector<Hypothesis>& captions,
                                             std::size_t states_max) const;

  /// How many wishes each caption of a batch names.
  [[nodiscard]] std::vector<int> named(const std::vector<Hypothesis>& captions) const;

 private:
  [[nodiscard]] WishTensors tensors(const std::vector<std::vector<std::int64_t>>& wishes) const;

  double said_min_ = 0;                           // 0: nothing is wished
  std::vector<std::int64_t> of_word_;             // the concept of each word; -1: none
  std::vector<std::vector<std::int64_t>> words_;  // of each concept
};

}  // namespace photoscribe
