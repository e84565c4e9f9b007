// social_exports: what exports of Google, Facebook, Instagram, X and Flickr say of the photos in
// them, recognised by the names of their files while a tree is walked (ops/docs/sources.md).
//
// Knows no file system: names and a function that reads a small file are all it needs, so an
// archive's members serve as well as folders.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/sidecars/post_files.h"
#include "scheduler/store/run_types.h"

namespace photoscribe::sidecars {

/// Paths are relative to the root, "" is the root itself.
struct ExportFiles {
  /// Base names of a folder; empty if there is none.
  std::function<std::vector<std::string>(const std::string& folder)> names;
  /// A file's bytes, if it is there and no longer than `bytes_max`.
  std::function<std::optional<std::string>(const std::string& path, std::size_t bytes_max)> read;
};

/// Whether a file of this name may say something of photos.
[[nodiscard]] bool may_tell(std::string_view file_name);
/// Whether a text may be what an export says of photos: a few marks, quickly looked for.
[[nodiscard]] bool looks_telling(std::string_view text);
/// How long a file of this name may be that is read of an export.
[[nodiscard]] std::size_t telling_bytes_max(std::string_view file_name);

class SocialExports {
 public:
  explicit SocialExports(ExportFiles files) : files_(std::move(files)) {}

  /// A folder's names, in any order, before its photos and its subfolders come.
  void enter(const std::string& folder, std::span<const std::string_view> names);
  /// No more of its photos will come.
  void leave(const std::string& folder) { json_names_.erase(folder); }

  /// What is said of this photo; empty: nothing.
  [[nodiscard]] KeptValues of(const std::string& path);
  /// The same of a photo that lies in another part of the export, whose folders were not entered:
  /// what names it by a number of its service.
  [[nodiscard]] KeptValues of_another_part(const std::string& path);
  [[nodiscard]] bool tells_of_other_parts() const noexcept {
    return !posts_.empty() || !tweets_.empty() || !flickr_.empty();
  }

  /// Photos by the export that says something of them.
  [[nodiscard]] const std::map<std::string, std::int64_t>& described() const noexcept {
    return described_;
  }

 private:
  struct Posts {
    std::string folder;  // where the export begins
    std::string source;
    MediaIndex photos;
  };
  void read_meta(const std::string& folder, const char* source,
                 std::span<const std::string_view> places);
  void read_x(const std::string& folder, std::span<const std::string_view> names);
  void read_flickr(const std::string& folder, std::span<const std::string_view> names);
  [[nodiscard]] bool is_known(const std::string& folder, std::string_view source) const;
  [[nodiscard]] KeptValues takeout_of(const std::string& folder, const std::string& name);
  [[nodiscard]] KeptValues flickr_of(const std::string& name);
  [[nodiscard]] KeptValues posts_of(const std::string& path, const std::string& name);
  [[nodiscard]] KeptValues counted(KeptValues kept);

  ExportFiles files_;
  std::map<std::string, std::vector<std::string>> json_names_;  // of folders that were entered
  std::vector<Posts> posts_;
  MediaIndex tweets_;
  std::unordered_map<std::string, std::string> flickr_;  // by number: where the JSON lies
  std::set<std::string> flickr_folders_;
  std::map<std::string, std::int64_t> described_;
};

}  // namespace photoscribe::sidecars
