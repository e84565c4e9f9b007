// teacher: other models' probabilities at every position of the training captions, for a model
// that learns from them too. Private to models/train.
//
// Word-level distillation: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, and
// Kim & Rush, "Sequence-Level Knowledge Distillation", EMNLP 2016, section 3.1; temperature 1. The
// teachers see each photo once, unchanged, and only their likeliest words are kept, so a student
// with other features, views and sizes learns from them at the cost of a table look-up.
//
// S packed words (sequence.h), P positions of all captions, K words kept.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/search/caption_network.h"
#include "models/train/data/splits.h"
#include "models/train/loss/loss.h"

namespace photoscribe {

class Teacher {
 public:
  /// Reads what teach() wrote. Fails with invalid_config when it was made of other captions,
  /// another vocabulary or another maximal length.
  [[nodiscard]] static Expected<Teacher> open(const std::string& path,
                                              const std::vector<CaptionedPhoto>& train,
                                              const Vocabulary& vocabulary, std::size_t words_max);

  /// For every packed word of a batch of whole photos (make_batch). In flipped photos left and
  /// right are swapped.
  [[nodiscard]] SoftTargets of(const Batch& batch) const;

 private:
  Teacher() = default;
  torch::Tensor words_, probabilities_;      // (P,K) int64, half
  std::vector<std::int64_t> first_caption_;  // of each photo
  std::vector<std::int64_t> first_place_;    // of each caption
  std::int64_t left_ = 0, right_ = 0;
};

struct TeachOptions {
  std::vector<std::string> models;  // together, as an ensemble
  CaptionSources sources;
  std::string split, output;  // split as read_split() takes it
  std::int64_t words_kept = 24;
  std::int64_t words_max = SearchSettings().tokens_max;  // captions are cut there, as fit cuts them
};

/// Runs the models and writes the file. Photos that do not decode are left out, with a line on
/// standard error. Reports progress on standard error.
[[nodiscard]] Status teach(const TeachOptions& options);

/// What the file holds, for the captions of `split` as numbers of `vocabulary`, which may have more
/// words than the models know, after theirs.
[[nodiscard]] TensorMap teacher_targets(const TeachOptions& options,
                                        const std::vector<const StoredModel*>& models,
                                        const std::vector<CaptionedPhoto>& split,
                                        const Vocabulary& vocabulary);

}  // namespace photoscribe
