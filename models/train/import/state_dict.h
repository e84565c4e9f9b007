// state_dict: the named tensors in a file of torch.save. Private to models/train.
//
// A checkpoint may hold a dictionary of tensors, dictionaries of these, or whole modules; of a
// module its parameters, its buffers and those of its submodules are taken, under the names that
// state_dict() would have given them. Nothing in the file is called (pickle.h); everything that is
// not a tensor is left out.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/core/error.h"
#include "models/format/tensors.h"

namespace photoscribe {

struct StateDict {
  /// Views of any layout, perhaps of shared memory: convert them once their shapes are known to be
  /// right.
  TensorMap tensors;
  std::map<std::string, std::int64_t> numbers;  // whole modules' own, by name: "encoder.size"
};

/// The tensors of `path`: a file of torch.save, of any version, or .safetensors. Of a dictionary
/// that has tensors under "state_dict" or "model", only those. Names inside dictionaries and
/// modules are joined by dots. Fails with model_failure: the file cannot be read, a tensor passes
/// the end of its storage, or is made by a function that is not PyTorch's own.
[[nodiscard]] Expected<StateDict> read_state_dict(const std::string& path);

}  // namespace photoscribe
