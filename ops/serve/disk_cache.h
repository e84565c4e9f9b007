// disk_cache: files by key in a folder of the user's, the least recently used of which go when they
// become too many bytes. Losing it costs time, nothing else. Several processes may share the
// folder, all of this user: what others could have put there is neither read nor written. Safe for
// several threads.
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
  /// `folder` is absolute, and made (0700) when the first file is put. Reads what is there at the
  /// first use.
  DiskCache(std::string folder, std::int64_t bytes_max)
      : folder_(std::move(folder)), bytes_max_(bytes_max) {}
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  /// The bytes under this key (lower-case hex digits, four at least); none when there are none.
  [[nodiscard]] std::optional<std::string> get(const std::string& key);
  /// Fails with environment where the file cannot be written: what is in it is still good; and
  /// where the folder is not this user's alone.
  [[nodiscard]] Status put(const std::string& key, std::string_view bytes);

 private:
  struct Entry {
    std::int64_t bytes = 0, used_unix_s = 0;
  };
  [[nodiscard]] std::string path_of(const std::string& key) const;
  [[nodiscard]] Status make_folder();
  [[nodiscard]] bool is_ours();
  void load();
  void make_room();

  const std::string folder_;
  const std::int64_t bytes_max_;
  std::mutex mutex_;
  bool ours_ = false;  // looked at, and found to be: nobody else can change that
  bool loaded_ = false;
  std::int64_t bytes_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

/// Whether nobody but this user (and root) can have put anything into the folder: it is this
/// user's, and each folder of its path that lies where everybody may write, as in /tmp, is a real
/// one of this user (no link) into which nobody else may write. One that is not there is nobody's.
[[nodiscard]] bool is_own_folder(const std::string& folder);

/// $XDG_CACHE_HOME/photoscribe, else ~/.cache/photoscribe, else a folder of this user's in /tmp.
[[nodiscard]] std::string user_cache_folder();

}  // namespace photoscribe::serve
