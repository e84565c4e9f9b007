// folder_listing: the names of one folder, sorted by their bytes.
//
// Names are in one block of memory, so a folder of a million photos costs some 30 MB. Larger
// folders come in pieces of a million names, each sorted.
#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace photoscribe {

class FolderListing {
 public:
  /// Opens a folder without following a link in its last part; not ok() when that fails (error() is
  /// errno).
  explicit FolderListing(const std::string& folder);

  [[nodiscard]] bool ok() const noexcept { return error_ == 0; }
  /// errno of opening or of reading; names read before the error are still handed out.
  [[nodiscard]] int error() const noexcept { return error_; }
  /// Device and inode of the folder itself.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> identity() const noexcept {
    return identity_;
  }

  struct Entry {
    std::string_view name;  // valid until the next call
    unsigned char type;     // DT_…; DT_UNKNOWN on some file systems
  };
  /// False at the end. Leaves out "." and "..".
  bool next(Entry& entry);
  /// All names, of a larger folder the first million; valid until next() is called.
  [[nodiscard]] std::vector<std::string_view> names();

 private:
  struct Close {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
  };
  struct Name {
    std::uint32_t offset;
    std::uint16_t length;
    unsigned char type;
  };
  void read_some();

  std::unique_ptr<DIR, Close> folder_;  // null once all names are read
  std::string block_;
  std::vector<Name> names_;
  std::size_t position_ = 0;
  int error_ = 0;
  std::pair<std::uint64_t, std::uint64_t> identity_{};
};

}  // namespace photoscribe
