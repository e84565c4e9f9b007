// imported_card: the record of an imported model's origin in its folder. Private to models/train.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/model_store.h"
#include "models/train/import/import_captioner.h"

namespace photoscribe {

/// A file that a model was made of.
struct SourceFile {
  std::string name, sha256;
};

/// Lines of model.yaml's section `training`.
[[nodiscard]] std::string imported_yaml(const std::string& kind,
                                        const std::vector<SourceFile>& files);

/// Writes FOLDER/MODEL_CARD.md. Fails with environment.
[[nodiscard]] Status write_imported_card(const std::string& folder, const std::string& kind,
                                         const ModelToStore& model, const ImportedCaptioner& made,
                                         const std::vector<SourceFile>& files);

}  // namespace photoscribe
