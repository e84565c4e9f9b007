// evaluate: corpus BLEU and CIDEr-D of a model's captions on a split. Private to models/train.
#pragma once

#include <torch/types.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "common/core/spec.h"
#include "models/search/search.h"
#include "models/train/data/dataset.h"

namespace photoscribe {

struct SplitScore {
  std::array<double, 4> bleu{};       // BLEU-1..4 in [0, 1]
  double cider = 0;                   // CIDEr-D in [0, 10], frequencies of the scored photos
  std::int64_t photos = 0;            // scored
  std::vector<std::string> captions;  // one per photo, in order
};

/// Captions the photos `which` of `split` and scores them against all their references.
/// `features(photos)` gives (n,L,C) for some of them. Reports progress; if asked to stop (stop.h)
/// it returns early, with an invalid score.
[[nodiscard]] SplitScore score_split(
    const CaptionSearch& search, const SearchSettings& settings, const Vocabulary& vocabulary,
    const std::vector<CaptionedPhoto>& split, const std::vector<std::int64_t>& which,
    const std::function<torch::Tensor(const std::vector<std::int64_t>&)>& features);

}  // namespace photoscribe
