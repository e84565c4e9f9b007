// finetune: continues the training of a whole model on an archive of photos, and keeps what it
// knew. Private to models/train.
//
// Its training data is not available. So its words keep their numbers, followed by the archive's
// new ones; its classifier of concepts moves only as far as the archive's captions require; and the
// model as it was is the teacher (teacher.h): its probabilities at each word of these captions are
// learnt beside the word, except where the word surprises it, since there it would only teach its
// error. After Li & Hoiem, "Learning without Forgetting", ECCV 2016.
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

/// Whether a run continues from a model as it is: its start is a model's folder, and no encoder,
/// concepts or text are given.
[[nodiscard]] bool is_fine_tuning(const FitOptions& options);

/// The start's words (Vocabulary::words()) at their numbers, then new ones that occur often enough
/// in the captions of `photos`, most frequent first.
[[nodiscard]] Expected<Vocabulary> extend_vocabulary(const std::vector<std::string>& start,
                                                     const std::vector<CaptionedPhoto>& photos,
                                                     const VocabularySettings& settings);

/// The start's concepts, then each word that `vocabulary` has and the start does not. None if the
/// start has none.
[[nodiscard]] std::vector<ConceptEntry> extend_concepts(const Start& start,
                                                        const Vocabulary& vocabulary);

/// The classifier of `decoder`, moved by gradient descent as far as `named` requires: (P,M), 1
/// where captions of the photos with these mean features (P,C) name a concept. Elsewhere its own
/// output is the target, so a concept that no caption names stays exactly as it is. The
/// probabilities for a photo come from a head that did not learn from that photo, as in
/// fit_concept_head().
[[nodiscard]] ConceptHead keep_concept_head(const TensorMap& decoder, const torch::Tensor& mean,
                                            const torch::Tensor& named, std::uint64_t seed);

/// Writes the start's probabilities at each word of the captions of `train`, as Teacher::open()
/// reads them with `vocabulary`.
[[nodiscard]] Status teach_by_start(const FitOptions& options,
                                    const std::vector<CaptionedPhoto>& train,
                                    const Vocabulary& vocabulary, const std::string& path);

/// With a teacher: each training step resets the start's decoder parameters, so that only new words
/// change: L2-SP of Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional
/// Networks", ICML 2018, in the limit of an infinite weight, outside Adam.
void hold_parameters(Guides& guides, const TensorMap& decoder);

/// Gives the written model the start's confidence, if it has one, and says that it should be fitted
/// again.
[[nodiscard]] Status keep_confidence(const FitOptions& options);

}  // namespace photoscribe
