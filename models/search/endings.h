// endings: words that leave a phrase open, behind which a caption should not end. Private to
// models/.
//
// Self-critical training learns that a caption may end where its n-grams do, "a dog with a red"
// (Guo et al., "Improving Reinforcement Learning Based Image Captioning with Natural Language
// Prior", EMNLP 2018, forbid some such words; here adjectives count behind an article, too, since a
// classifier that is not sure of a noun would rather have none).
//
// R rows, t words of each so far, V words.
#pragma once

#include <torch/types.h>

#include "models/format/vocabulary.h"

namespace photoscribe {

class EndingRule {
 public:
  /// No word leaves anything open.
  EndingRule() = default;
  /// The English words of `vocabulary` that do; it may have none of them. For searches on `device`.
  explicit EndingRule(const Vocabulary& vocabulary, const torch::Device& device = torch::kCPU);

  /// The rows of history (R,t), t above 0, that end behind "and", a preposition, a form of "be" or
  /// an article, or behind an article and adjectives: (R) bool. "dressed in black and white" ends
  /// well, "on a black and white" does not.
  [[nodiscard]] torch::Tensor open(const torch::Tensor& history) const;
  /// Makes the end less likely in log_p (R,V) of those rows.
  void penalise(torch::Tensor& log_p, const torch::Tensor& history) const;

 private:
  torch::Tensor kinds_;  // (V) int64; undefined: no rule
};

}  // namespace photoscribe
