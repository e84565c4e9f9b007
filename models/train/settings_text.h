// settings_text: everything that resuming a training run depends on, as lines of "name: value", so
// that a checkpoint can say which of them differ. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "models/format/model_store.h"
#include "models/format/vocabulary.h"
#include "models/train/data/dataset.h"
#include "models/train/encoder_fit.h"
#include "models/train/fit.h"
#include "models/train/loss/concept_head.h"

namespace photoscribe {

/// A key of names, captions and how often each photo is shown: the same for the same photos in the
/// same order, wherever they are stored.
[[nodiscard]] std::string data_key(const std::vector<CaptionedPhoto>& photos);

/// Of the first stage; later ones may be resumed with other settings. `usable`: how many photos of
/// train decode, each counted as often as an epoch shows it.
[[nodiscard]] std::string settings_text(const FitOptions& options, const Vocabulary& vocabulary,
                                        const std::vector<CaptionedPhoto>& train,
                                        const std::vector<CaptionedPhoto>& dev, std::size_t usable);

/// Of fit-encoder; `usable`: how many photos of train decode and are shown.
[[nodiscard]] std::string settings_text(const EncoderFitOptions& options, const StoredModel& model,
                                        const std::vector<CaptionedPhoto>& train,
                                        const std::vector<CaptionedPhoto>& dev,
                                        const ConceptTargets& targets, std::size_t usable);

/// "epochs 10, here 20; rate …": at most five differences. Empty: none.
[[nodiscard]] std::string difference(const std::string& before, const std::string& here);

}  // namespace photoscribe
