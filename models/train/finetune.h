// finetune: a whole model goes on to an archive of photos, and keeps what it knew. Private to
// models/train.
//
// What it learnt from is not there. So its words keep their numbers, with the archive's new ones
// behind them; its classifier of concepts moves only as far as the archive's captions ask; and the
// model as it was is the teacher (teacher.h): what it expects at each word of these captions is
// learnt beside the word, except where the word is a surprise to it, for there it would only teach
// its error. After Li & Hoiem, "Learning without Forgetting", ECCV 2016.
//
// P photos, C feature channels, M concepts.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/tensors.h"
#include "models/format/vocabulary.h"
#include "models/train/data/dataset.h"
#include "models/train/fit.h"
#include "models/train/loss/concept_head.h"
#include "models/train/start.h"
#include "models/train/trainer.h"

namespace photoscribe {

/// Whether a run goes on from a model as it is: its start is a model's folder, and neither an
/// encoder nor concepts nor text of another training are named.
[[nodiscard]] bool is_fine_tuning(const FitOptions& options);

/// The start's words (Vocabulary::words()) at their numbers, then those that stand often enough in
/// the captions of `photos` and are new, most frequent first.
[[nodiscard]] Expected<Vocabulary> extend_vocabulary(const std::vector<std::string>& start,
                                                     const std::vector<CaptionedPhoto>& photos,
                                                     const VocabularySettings& settings);

/// The start's concepts, then each word that `vocabulary` has and the start does not. None where
/// the start has none.
[[nodiscard]] std::vector<ConceptEntry> extend_concepts(const Start& start,
                                                        const Vocabulary& vocabulary);

/// The classifier of `decoder`, moved by gradient descent as far as `named` asks: (P,M), 1 where
/// captions of the photos of these mean features (P,C) name a concept. What it says else is its own
/// target, so a concept that no caption names stays as it is, to the bit. What it sees in a photo
/// is said by a head that did not learn from that photo, as in fit_concept_head().
[[nodiscard]] ConceptHead keep_concept_head(const TensorMap& decoder, const torch::Tensor& mean,
                                            const torch::Tensor& named, std::uint64_t seed);

/// Writes what the start expects at each word of the captions of `train`, as Teacher::open() reads
/// it with `vocabulary`.
[[nodiscard]] Status teach_by_start(const FitOptions& options,
                                    const std::vector<CaptionedPhoto>& train,
                                    const Vocabulary& vocabulary, const std::string& path);

/// With a teacher: each step of a training puts what the start's decoder had back to where it was,
/// so that only new words move: L2-SP of Li et al., "Explicit Inductive Bias for Transfer Learning
/// with Convolutional Networks", ICML 2018, at its far end, apart from Adam.
void hold_parameters(Guides& guides, const TensorMap& decoder);

/// Gives the model that was written the start's confidence, where it has one, and says that it
/// should be fitted anew.
[[nodiscard]] Status keep_confidence(const FitOptions& options);

}  // namespace photoscribe
