// import: converts a trunk's parameters from other frameworks' formats. Private to models/train.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/tensors.h"
#include "models/train/import/state_arrays.h"

namespace photoscribe {

struct ImportedEncoder {
  TensorMap tensors;  // convolutions with batch norm folded in, as Encoder takes them
  std::vector<std::string> left_over;  // what else the state dict holds: classifier, counters, …
  std::size_t folded = 0;              // batch norms
};

/// The name that a state dict has for a layer that torchvision calls `name`.
using SourceName = std::function<std::string(const std::string& name)>;

/// The trunk `architecture` from `arrays`, which collects problems; left_over stays empty.
[[nodiscard]] ImportedEncoder fold_encoder(StateArrays& arrays, const std::string& architecture,
                                           double epsilon, const SourceName& source);

/// The trunk `architecture` (encoder_layers.h) from a state dict with torchvision's names or
/// timm's. Batch norm statistics are folded with `epsilon`; a convolution with a bias and without
/// its batch norm counts as folded already. Fails with invalid_config, naming every array that is
/// missing or has another shape.
[[nodiscard]] Expected<ImportedEncoder> import_encoder(const TensorMap& state,
                                                       const std::string& architecture,
                                                       double epsilon);

}  // namespace photoscribe
