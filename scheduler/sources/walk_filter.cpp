#include "scheduler/sources/walk_filter.h"

#include <fnmatch.h>

#include <algorithm>

#include "scheduler/store/paths.h"

namespace photoscribe {

bool matches_any(const std::vector<std::string>& globs, const std::string& path) {
  const std::string name(base_name(path));
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    const bool whole_path = glob.find('/') != std::string::npos;
    return ::fnmatch(glob.c_str(), whole_path ? path.c_str() : name.c_str(), 0) == 0;
  });
}

bool wants_file(const WalkOptions& options, const std::string& path) {
  if (!options.include.empty() && !matches_any(options.include, path)) return false;
  if (matches_any(options.exclude, path)) return false;
  if (!options.only_names) return true;
  const std::string name(base_name(path));
  return options.only_names->contains(name) ||
         options.only_names->contains(name.substr(0, name.rfind('.')));
}

bool wants_path(const WalkOptions& options, const std::string& path) {
  if (!filters(options)) return true;
  if (!wants_file(options, path)) return false;
  if (options.exclude.empty()) return true;
  for (std::string folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    if (matches_any(options.exclude, folder)) return false;
  }
  return true;
}

bool filters(const WalkOptions& options) {
  return !options.include.empty() || !options.exclude.empty() || options.only_names != nullptr;
}

}  // namespace photoscribe
