// model_store: a model's folder as tensors, in and out. Private to models/.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "models/tensors.h"
#include "models/vocabulary.h"

namespace photoscribe {

struct StoredModel {
  ModelFolder folder;
  Vocabulary vocabulary;
  TensorMap tensors;  // "encoder.…" and "decoder.…", float32
};

/// Reads the whole folder. Fails with invalid_config or model_failure.
[[nodiscard]] Expected<StoredModel> load_model(const std::string& folder);

struct ModelToStore {
  std::string name;  // for people
  ModelArchitecture architecture;
  SearchSettings search;
  std::string training_yaml;  // lines of the section `training`, indented by two; may be empty
};

/// `text` as a YAML scalar, whatever characters of one line it holds.
[[nodiscard]] std::string yaml_quoted(const std::string& text);

/// Makes the folder, or replaces what is in it, with weights in half precision. model.yaml is
/// written last.
[[nodiscard]] Status store_model(const std::string& folder, const ModelToStore& model,
                                 const Vocabulary& vocabulary, const TensorMap& tensors);

}  // namespace photoscribe
