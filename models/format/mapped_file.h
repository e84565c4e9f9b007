// mapped_file: a whole file as bytes in memory, without reading it. Private to models/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace photoscribe {

/// Read-only, private to this process. If another process truncates the file, this one ends.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws std::runtime_error: it does not exist, is not a regular file, or cannot be mapped.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::string_view bytes() const noexcept {
    return {static_cast<const char*>(map_), size_};
  }

 private:
  void* map_ = nullptr;  // also null for an empty file
  std::size_t size_ = 0;
};

}  // namespace photoscribe
