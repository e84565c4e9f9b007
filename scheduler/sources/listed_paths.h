// listed_paths: where the paths and URLs of a list lie: which is whose root's, and which roots
// there must be for them.
//
// A path keeps its own name in the real path of its folder, as a photo named on the command line
// does, so that it has one row whichever way it is named. Folders that are not there are taken as
// they are written.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

/// Whether a list's line is an address, "https://…", "s3://…", "ftp://…", and no path.
[[nodiscard]] bool is_address(std::string_view path) noexcept;

/// Folders under which other file systems are mounted, by the kernel's table.
[[nodiscard]] std::vector<std::string> mount_points();

class ListedPaths {
 public:
  struct Place {
    int root = -1;     // index into roots(); -1: none holds it yet
    std::string path;  // relative to it
  };

  /// `below`: the folder of relative paths, absolute and real; empty: there may be none.
  ListedPaths(std::vector<Root> roots, std::string below);

  [[nodiscard]] const std::vector<Root>& roots() const noexcept { return roots_; }
  /// Whole and lexically normal, its folder real; a URL as parse_photo_url() has it. Fails with
  /// usage, without naming the list: an address that is not fetched from, a URL of no photo, a
  /// relative path without a folder for it, one that leaves that folder.
  [[nodiscard]] Expected<std::string> whole(std::string_view path);
  /// In the deepest root that holds it.
  [[nodiscard]] Place place(const std::string& whole);

 private:
  struct Folder {
    int root = -1;
    std::string inside;  // relative to the root
  };
  [[nodiscard]] std::string real_folder(const std::string& folder);
  [[nodiscard]] Place place_of_url(const std::string& whole);

  std::vector<Root> roots_;
  std::string below_;
  std::unordered_map<std::string, std::string> real_;  // both bounded
  std::unordered_map<std::string, Folder> folders_;
};

/// The root's folder of a URL that whole() gave.
[[nodiscard]] std::string server_of(const std::string& whole_url);

/// The folders that become roots of paths which no root holds: for each file system, and on the
/// first one for each folder of "/", what all of its paths have in common. Of URLs, their servers
/// and buckets.
class NewRoots {
 public:
  explicit NewRoots(std::vector<std::string> mounts) : mounts_(std::move(mounts)) {}
  void add(const std::string& whole_path);
  [[nodiscard]] std::vector<std::string> folders() const;
  [[nodiscard]] std::size_t servers() const noexcept { return servers_.size(); }

 private:
  std::vector<std::string> mounts_;
  std::map<std::string, std::string> common_;  // by file system
  std::set<std::string> servers_;
  std::string last_;
};

}  // namespace photoscribe
