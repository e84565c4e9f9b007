// model_store: a model's folder as tensors, in and out. Private to models/.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "models/format/concepts.h"
#include "models/format/int8_scales.h"
#include "models/format/tensors.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

struct StoredModel {
  ModelFolder folder;
  Vocabulary vocabulary;  // of an ensemble: its first member's
  TensorMap tensors;      // "encoder.…" and "decoder.…", float32; of an ensemble none
  std::vector<ConceptEntry> concepts;  // none: it has no classifier; an ensemble: the first's
  std::vector<StoredModel> members;    // of an ensemble
  /// Of the encoder; empty: not made (photoscribe-train quantize). If their file is bad this is its
  /// error, which does not prevent captioning in other precisions.
  Expected<Int8Scales> int8_scales = Int8Scales{};
};

/// The models that caption: an ensemble's members, else the model itself. They live in `model`.
[[nodiscard]] inline std::vector<const StoredModel*> members_of(const StoredModel& model) {
  if (model.members.empty()) return {&model};
  std::vector<const StoredModel*> members;
  for (const StoredModel& member : model.members) members.push_back(&member);
  return members;
}

/// The same for several.
[[nodiscard]] inline std::vector<const StoredModel*> members_of(
    const std::vector<StoredModel>& models) {
  std::vector<const StoredModel*> members;
  for (const StoredModel& model : models)
    for (const StoredModel* member : members_of(model)) members.push_back(member);
  return members;
}

/// load_model() of each; the first error.
[[nodiscard]] Expected<std::vector<StoredModel>> load_models(
    const std::vector<std::string>& folders);

/// Reads the whole folder. Fails with invalid_config or model_failure.
[[nodiscard]] Expected<StoredModel> load_model(const std::string& folder);

struct ModelToStore {
  std::string name;  // for people
  ModelArchitecture architecture;
  SearchSettings search;
  std::string training_yaml;  // lines of the section `training`, indented by two; may be empty
  std::vector<ConceptEntry> concepts;  // as many as the architecture says
  bool exact = false;                  // weights in float32, to the last bit
};

/// `text` as a YAML scalar, whatever characters of one line it holds.
[[nodiscard]] std::string yaml_quoted(const std::string& text);

/// Makes an ensemble's folder out of copies of `members`' folders, which must not be ensembles
/// themselves, with the search defaults of the first. model.yaml is written last. Fails with
/// invalid_config or environment, for example when the folder exists already.
[[nodiscard]] Status store_ensemble(const std::string& folder, const std::string& name,
                                    const std::vector<StoredModel>& members);

/// What store_model() keeps of an array that is not exact, as float32: moves of less than half a
/// step of its row are lost.
[[nodiscard]] torch::Tensor as_stored(const torch::Tensor& tensor);

/// Creates the folder, or replaces what is in it, with its large arrays in eight bits (tensors.h),
/// a scale for each row, and the others in half precision, unless the model is to be exact.
/// model.yaml is written last.
[[nodiscard]] Status store_model(const std::string& folder, const ModelToStore& model,
                                 const Vocabulary& vocabulary, const TensorMap& tensors);

}  // namespace photoscribe
