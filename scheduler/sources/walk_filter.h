// walk_filter: which names of a walk are photos of the run, and which are counted instead. Private
// to scheduler/sources.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Globs without a slash match the file's name, others the whole relative path.
[[nodiscard]] bool matches_any(const std::vector<std::string>& globs, const std::string& path,
                               std::string_view file_name);

/// False for what --include, --exclude and --split leave out.
[[nodiscard]] bool is_wanted(const WalkOptions& options, const std::string& path,
                             std::string_view file_name);

/// By the last part of the path.
[[nodiscard]] bool is_wanted(const WalkOptions& options, const std::string& path);

/// The same of a path whose folders may be excluded, too.
[[nodiscard]] bool wants_path(const WalkOptions& options, const std::string& path);

/// Whether anything may be left out.
[[nodiscard]] bool filters(const WalkOptions& options);

/// What of the options decides which members of an archive are photos of the run and what is kept
/// of them, to be compared.
[[nodiscard]] std::string member_options(const WalkOptions& options);

/// Most frequent first.
[[nodiscard]] std::vector<SkippedExtension> most_frequent(
    const std::map<std::string, std::int64_t>& counts);

/// Files that are no photos by their names, by extension.
class SkippedNames {
 public:
  void add(std::string_view file_name);
  [[nodiscard]] std::vector<SkippedExtension> by_extension() const {
    return most_frequent(counts_);
  }

 private:
  std::map<std::string, std::int64_t> counts_;
};

}  // namespace photoscribe
