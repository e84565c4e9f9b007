// constraints: the concepts that a photo's caption should name, since the classifier is sure of
// them, and which captions of a batch omit one. Private to models/.
//
// Pure: applying a constraint is the search's task (beams.h).
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/decoder/decoder_parameters.h"
#include "models/search/hypothesis.h"

namespace photoscribe {

/// The constraints of N photos as words: `count` for each photo, K words for all of them.
struct ConstraintTensors {
  int count = 0;
  torch::Tensor words;  // (N,K) int64, K / count of each, one constraint after the other
  torch::Tensor mask;   // (N,K) bool: false where a constraint has fewer words than others
};

/// Photos with equally many constraints, of which their captions omit at least one.
struct ConstraintGroup {
  std::vector<std::int64_t> photos;  // positions in the batch
  ConstraintTensors constraints;     // on the CPU
};

class ConstraintRule {
 public:
  /// More than two constraints would need eight or more states of beams, and mostly name one thing
  /// twice.
  static constexpr std::size_t kConstraintsMax = 2;

  /// No concepts (null): nothing is ever required.
  explicit ConstraintRule(const ConceptParameters* concepts);

  /// The concepts with at least ModelArchitecture::concept_said_min, likeliest first, at most
  /// kConstraintsMax. One without a word is never required.
  [[nodiscard]] std::vector<std::int64_t> constraints(
      const std::vector<float>& probabilities) const;

  /// How many of `constraints` the words meet, with any word of each.
  [[nodiscard]] int named(const std::vector<std::int64_t>& words,
                          const std::vector<std::int64_t>& constraints) const;

  /// The captions that miss a constraint, grouped by their number of constraints, with at most
  /// `states_max` states of beams per group (or one photo's, if those are more).
  [[nodiscard]] std::vector<ConstraintGroup> unmet(const std::vector<Hypothesis>& captions,
                                                   std::size_t states_max) const;

  /// How many constraints each caption of a batch meets.
  [[nodiscard]] std::vector<int> named(const std::vector<Hypothesis>& captions) const;

 private:
  [[nodiscard]] ConstraintTensors tensors(
      const std::vector<std::vector<std::int64_t>>& constraints) const;

  double said_min_ = 0;                           // 0: nothing is required
  std::vector<std::int64_t> of_word_;             // the concept of each word; -1: none
  std::vector<std::vector<std::int64_t>> words_;  // of each concept
};

}  // namespace photoscribe
