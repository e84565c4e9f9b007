// pickle: the state dict in a file of torch.save, and nothing else that a pickle can do. Private to
// models/train.
//
// A pickle is a program, and Python's own reader runs it. This one knows dictionaries, tuples,
// lists, text, numbers, and the three functions that a state dict calls: OrderedDict,
// torch._utils._rebuild_tensor_v2 and _rebuild_parameter; any other name in it is refused.
// (LibTorch has an unpickler, too, but it cannot read the state dict of a module: the attribute
// _metadata that PyTorch gives the dictionary is beyond it.) The zip file itself is read by
// LibTorch.
#pragma once

#include <string>

#include "models/tensors.h"

namespace photoscribe {

/// The tensors of `path`, a zip file of torch.save (PyTorch 1.6 and later): of the dictionary in
/// it, or of what stands there under "state_dict" or "model". Entries that are no tensors are left
/// out. Throws std::runtime_error saying what it does not take: another function or class, an
/// opcode of other pickles, a tensor that passes the end of its storage.
[[nodiscard]] TensorMap read_state_dict_pickle(const std::string& path);

}  // namespace photoscribe
