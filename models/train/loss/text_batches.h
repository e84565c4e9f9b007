// text_batches: sentences without photos, with simulated detections, so that the decoder learns to
// name things that no training photo shows. Private to models/train.
//
// After Hendricks et al., "Deep Compositional Captioning", CVPR 2016, and Feng et al.,
// "Unsupervised Image Captioning", CVPR 2019: language is learnt from text, and the words for
// things connect it to what a classifier sees. A sentence's own concepts are detected with
// probabilities that the classifier gave to concepts that people named, others with those of its
// false alarms.
//
// P photos, M concepts.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "models/format/concepts.h"
#include "models/train/loss/concept_head.h"
#include "models/train/loss/loss.h"

namespace photoscribe {

class TextBatches {
 public:
  /// `detected` (P,M): the classifier's probabilities for photos that it was not trained on;
  /// `slots`: how many concepts the decoder uses. `sentences` is borrowed.
  TextBatches(const std::vector<Tokens>& sentences, const Vocabulary& vocabulary,
              const torch::Tensor& of_word, const torch::Tensor& detected,
              const ConceptTargets& targets, std::int64_t slots, std::size_t words_max);

  struct Batch {
    photoscribe::Batch rows;  // a sentence each
    torch::Tensor concepts;   // (N,M)
  };
  /// `count` sentences, drawn by `random`.
  [[nodiscard]] Batch draw(std::int64_t count, std::mt19937_64& random) const;

 private:
  const std::vector<Tokens>& sentences_;
  const Vocabulary& vocabulary_;
  std::vector<std::int64_t> of_word_;
  std::int64_t concepts_, slots_;
  std::size_t words_max_;
  std::vector<std::vector<float>> hits_;  // of each concept: probabilities where it was named
  std::vector<float> all_hits_;
  std::vector<std::pair<std::int64_t, float>> alarms_;  // false positives among a photo's likeliest
};

}  // namespace photoscribe
