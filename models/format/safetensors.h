// safetensors: named arrays in one file, read through a memory map and written atomically.
//
// The format of huggingface/safetensors: eight bytes of header length, a JSON header, the data. It
// holds no code, unlike pickles, so a model may come from anywhere: every size, range and overlap
// in the header is checked before a byte of data is read. It knows nothing of LibTorch; tensors.h
// makes tensors of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "models/format/mapped_file.h"

namespace photoscribe {

enum class ElementType : std::uint8_t { f32, f16, bf16, i64, i8 };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(ElementType type) noexcept;
/// The format's own name: "F32", "F16", "BF16", "I64", "I8".
[[nodiscard]] std::string_view to_string(ElementType type) noexcept;

/// One array: row-major, its bytes borrowed from whoever owns them.
struct ArrayView {
  ElementType type = ElementType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A file of arrays, mapped into memory for as long as the object lives. Move only.
class SafetensorsFile {
 public:
  /// Maps `path` and checks its whole header. Fails with model_failure, naming file and entry: a
  /// header longer than 64 MiB or than the file, invalid JSON, an unknown element type, a shape
  /// whose size is not that of its range, ranges that overlap, leave holes or pass the end of the
  /// file.
  [[nodiscard]] static Expected<SafetensorsFile> open(const std::string& path);

  [[nodiscard]] const std::map<std::string, ArrayView>& arrays() const noexcept { return arrays_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return metadata_;
  }

 private:
  SafetensorsFile() = default;
  MappedFile map_;
  std::map<std::string, ArrayView> arrays_;
  std::map<std::string, std::string> metadata_;
};

/// Writes `arrays` to `path` in the order of their names, through a temporary file beside it that
/// is synced and renamed: whoever opens `path` sees the old file or the whole new one. Fails with
/// environment when it cannot be written.
[[nodiscard]] Status write_safetensors(const std::string& path,
                                       const std::map<std::string, ArrayView>& arrays,
                                       const std::map<std::string, std::string>& metadata = {});

}  // namespace photoscribe
