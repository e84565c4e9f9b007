// open_model: a captioner of a model that is already in memory. Private to models/ and its checks.
#pragma once

#include <memory>

#include "models/captioner.h"
#include "models/format/model_store.h"

namespace photoscribe {

/// As open_captioner, of `model`; config.model_folder only names it in messages.
[[nodiscard]] Expected<std::unique_ptr<Captioner>> make_captioner(const StoredModel& model,
                                                                  const CaptionerConfig& config);

/// A model of random weights, of the shipped model's architecture unless `architecture` says
/// otherwise: the same work, but meaningless words. For checks and benches.
[[nodiscard]] StoredModel random_model(const ModelArchitecture& architecture,
                                       const Vocabulary& vocabulary, std::uint64_t seed);

}  // namespace photoscribe
