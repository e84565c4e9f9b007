#include "scheduler/sources/photo_filter.h"

#include <fnmatch.h>

#include <algorithm>

#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::size_t kExtensionsMax = 500;
constexpr std::size_t kExtensionLengthMax = 10;

}  // namespace

bool matches_any(const std::vector<std::string>& globs, const std::string& path) {
  const std::string name(base_name(path));
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    const bool whole_path = glob.find('/') != std::string::npos;
    return ::fnmatch(glob.c_str(), whole_path ? path.c_str() : name.c_str(), 0) == 0;
  });
}

bool is_wanted(const WalkOptions& options, const std::string& path) {
  if (!options.include.empty() && !matches_any(options.include, path)) return false;
  if (matches_any(options.exclude, path)) return false;
  if (!options.only_names) return true;
  const std::string name(base_name(path));
  return options.only_names->contains(name) ||
         options.only_names->contains(name.substr(0, name.rfind('.')));
}

std::string extension_of(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > kExtensionLengthMax)
    return "";
  std::string extension(name.substr(dot));
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return extension;
}

void count_skipped(std::map<std::string, std::int64_t>& skipped, std::string_view name) {
  std::string extension = extension_of(name);
  if (skipped.size() >= kExtensionsMax && !skipped.contains(extension)) extension = "";
  ++skipped[extension];
}

std::vector<SkippedExtension> most_frequent(const std::map<std::string, std::int64_t>& skipped) {
  std::vector<SkippedExtension> all;
  for (const auto& [extension, files] : skipped) all.push_back({extension, files});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.files > b.files; });
  return all;
}

}  // namespace photoscribe
