// loss: a batch of captions and the decoder's loss on it. Private to models/train.
//
// A batch is some photos with all their captions, so that a photo's annotations are computed once
// for its five captions; rows are sorted by length and packed (sequence.h), so no work is spent on
// padding.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "models/decoder/decoder.h"
#include "models/search/search.h"
#include "models/train/data/dataset.h"
#include "models/train/loss/sequence.h"

namespace photoscribe {

struct Batch {
  std::vector<std::int64_t> photos;  // indices in the split
  std::vector<bool> mirror;          // shown flipped
  std::vector<std::int64_t> view;    // which cached view is shown (augment.h); empty: none
  torch::Tensor photo_of_row;        // (N) position in `photos`
  std::vector<std::int64_t> row_of;  // (N) the caption's index among those that were packed
  torch::Tensor inputs, targets;     // (S) packed words
  Packing packing;
  std::int64_t step = 0;  // that it belongs to
};

struct LossSettings {
  double dropout = 0.5;            // of words and before the output layer
  double annotation_dropout = 0;   // of the projected features
  double label_smoothing = 0.1;    // Szegedy et al., CVPR 2016, section 7
  double attention_penalty = 1.0;  // lambda of Xu et al. 2015, eq. 14, over the mean of positions
  double teacher_share = 0.7;      // of the loss that follows a teacher, if there is one
};

/// Captions as numbers, each with its end token, packed; `photo_of[row]` is a position in `photos`.
[[nodiscard]] Batch pack_rows(const std::vector<std::vector<std::int64_t>>& rows,
                              const std::vector<std::int64_t>& photo_of,
                              std::vector<std::int64_t> photos, std::vector<bool> mirror);

[[nodiscard]] Batch make_batch(const std::vector<CaptionedPhoto>& split,
                               std::vector<std::int64_t> photos, std::vector<bool> mirror,
                               const Vocabulary& vocabulary, std::size_t words_max);

/// What the decoder gets of a batch's photos.
struct PhotoInputs {
  torch::Tensor features;  // (P,L,C); undefined: text without photos
  torch::Tensor concepts;  // (P,M) probabilities; undefined: the classifier's, if there is one
};

struct Loss {
  torch::Tensor total;      // what is minimised
  torch::Tensor per_token;  // cross entropy, label smoothing included: a number to watch
};

/// What self-critical training minimises for captions sampled from the model: minus the sum of
/// advantage (N, in the batch's order of rows) times log-probability, over the words. Only
/// `settings.dropout` and `annotation_dropout` count. Rennie et al., "Self-critical Sequence
/// Training for Image Captioning", CVPR 2017, eq. 7.
[[nodiscard]] torch::Tensor critic_loss(const DecoderParameters& p, const PhotoInputs& photo_inputs,
                                        const Batch& batch, const torch::Tensor& advantage,
                                        const LossSettings& settings);

/// Loss of `batch`, whose photos have `photo_inputs`. Differentiable. A target that is an unknown
/// word does not count. With a `teacher`'s words and probabilities (S,K) for the packed words,
/// `teacher_share` of the loss is the cross entropy against these (teacher.h).
[[nodiscard]] Loss caption_loss(const DecoderParameters& p, const PhotoInputs& photo_inputs,
                                const Batch& batch, const LossSettings& settings,
                                const SoftTargets* teacher = nullptr);

}  // namespace photoscribe
