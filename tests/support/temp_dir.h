// temp_dir: a folder of one test under the system's temporary folder, gone with its owner.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace photoscribe::test {

/// Creates `<tmp>/photoscribe-XXXXXX` (mode 0700); removes it and all it holds when destroyed.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// "<folder>/<name>"; the name may hold any byte but '/' and NUL.
  [[nodiscard]] std::string file(std::string_view name) const;
  /// Writes the bytes there and returns the whole path.
  std::string write(std::string_view name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

}  // namespace photoscribe::test
