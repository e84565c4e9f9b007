// torch_file: a file of torch.save, of any version of PyTorch, or of Python's pickle alone, as
// inert values and the bytes of its tensors. Private to models/train.
//
// PyTorch 1.6 and later: a zip archive with data.pkl and a file for each storage. Older: three
// small pickles, the pickle, the list of its storages, and their bytes one after the other. It
// knows nothing of LibTorch: state_dict.h makes tensors of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "models/train/import/pickle.h"

namespace photoscribe {

/// The elements that a tensor is a view of.
struct TorchStorage {
  std::string type;  // "Float", "Half", "Double", "Long", "BFloat16", "Int", "Byte", "Bool" …
  std::string_view bytes;  // all of them; in the file
};

class TorchFile {
 public:
  /// `bytes` must live as long as the result. Throws std::runtime_error saying what is wrong.
  [[nodiscard]] static TorchFile read(std::string_view bytes);

  [[nodiscard]] const Pickle& pickle() const noexcept { return pickle_; }
  /// The storage that the node `id` of the pickle stands for. Throws std::runtime_error: it stands
  /// for none, or the file does not hold it.
  [[nodiscard]] TorchStorage storage(Pickle::Id id) const;

 private:
  explicit TorchFile(Pickle pickle) : pickle_(std::move(pickle)) {}
  static TorchFile read_zip(std::string_view bytes);
  static TorchFile read_old(std::string_view bytes);

  Pickle pickle_;
  std::map<std::string, std::string_view, std::less<>> storages_;  // key -> bytes
};

/// Bytes of an element of a storage type ("Float"). Throws std::runtime_error for an unknown one.
[[nodiscard]] std::size_t torch_element_bytes(std::string_view type);

}  // namespace photoscribe
