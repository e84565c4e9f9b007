// disk_cache: files by key in a folder of the user's; the least recently used are removed when the
// total size is too large. Losing it only costs time. Several processes of this user may share the
// folder; a folder that others could have written to is not used. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/core/error.h"

namespace photoscribe::serve {

class DiskCache {
 public:
  /// `folder` is absolute; it is created (0700) with the first file. What is in it is read at the
  /// first put().
  DiskCache(std::string folder, std::int64_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  /// The bytes under this key (at least four lower-case hex digits), if any.
  [[nodiscard]] std::optional<std::string> get(const std::string& key);
  /// Fails with environment if the file cannot be written, which leaves the cache valid, or if
  /// others may write to the folder.
  [[nodiscard]] Status put(const std::string& key, std::string_view bytes);

 private:
  struct Entry {
    std::int64_t bytes = 0, touched_unix_s = 0;  // touched: as the file says
    std::uint64_t turn = 0;  // the order of use: clocks have ties, and are set back
  };
  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] Status make_folder();
  [[nodiscard]] bool is_ours();
  void load();
  void note_use(Entry& entry, std::int64_t bytes);
  void make_room();

  const std::string folder_;
  const std::int64_t bytes_max_;
  std::mutex mutex_;
  bool ours_ = false;  // checked once: nobody else can change it afterwards
  bool loaded_ = false;
  std::int64_t bytes_ = 0;
  std::uint64_t turns_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

/// Whether only this user (and root) can have put anything into the folder: it belongs to this
/// user, and each folder of its path that is in a world-writable one, such as /tmp, is a real
/// folder (not a link) of this user to which nobody else may write. False if the folder does not
/// exist.
[[nodiscard]] bool is_own_folder(const std::string& folder);

/// $XDG_CACHE_HOME/photoscribe, else ~/.cache/photoscribe, else a folder for this user in /tmp.
[[nodiscard]] std::string user_cache_folder();

}  // namespace photoscribe::serve
