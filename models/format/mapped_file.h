// mapped_file: a whole file as bytes in memory, without reading it. Private to models/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace photoscribe {

/// Read only, private to this process. Who cuts the file short meanwhile ends the process.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws std::runtime_error: it is not there, no regular file, or cannot be mapped.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::string_view bytes() const noexcept {
    return {static_cast<const char*>(map_), size_};
  }

 private:
  void* map_ = nullptr;  // null: an empty file, too
  std::size_t size_ = 0;
};

}  // namespace photoscribe
