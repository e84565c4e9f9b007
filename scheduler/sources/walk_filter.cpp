#include "scheduler/sources/walk_filter.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "common/core/fnv1a.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::size_t kExtensionsMax = 500;  // of a folder with a number as every extension
constexpr std::size_t kExtensionLengthMax = 10;

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

}  // namespace

bool matches_any(const std::vector<std::string>& globs, const std::string& path,
                 std::string_view file_name) {
  if (globs.empty()) return false;
  const std::string name(file_name);
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    const bool whole_path = glob.find('/') != std::string::npos;
    return ::fnmatch(glob.c_str(), whole_path ? path.c_str() : name.c_str(), 0) == 0;
  });
}

bool is_wanted(const WalkOptions& options, const std::string& path, std::string_view file_name) {
  if (!options.include.empty() && !matches_any(options.include, path, file_name)) return false;
  if (matches_any(options.exclude, path, file_name)) return false;
  if (!options.only_names) return true;
  const std::string name(file_name);
  return options.only_names->contains(name) ||
         options.only_names->contains(name.substr(0, name.rfind('.')));
}

bool is_wanted(const WalkOptions& options, const std::string& path) {
  return is_wanted(options, path, base_name(path));
}

bool wants_path(const WalkOptions& options, const std::string& path) {
  if (!filters(options)) return true;
  if (!is_wanted(options, path, base_name(path))) return false;
  for (std::string folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
    if (matches_any(options.exclude, folder, base_name(folder))) return false;
  }
  return true;
}

bool filters(const WalkOptions& options) {
  return !options.include.empty() || !options.exclude.empty() || options.only_names != nullptr;
}

std::string member_options(const WalkOptions& options) {
  std::string text = options.all_files ? "all" : "photos";
  text += std::to_string(static_cast<int>(options.sidecar_text));
  if (options.sidecars) text += " exports";
  for (const std::string& glob : options.include) text += '\0' + ("+" + glob);
  for (const std::string& glob : options.exclude) text += '\0' + ("-" + glob);
  if (options.only_names) {
    std::vector<std::string> names(options.only_names->begin(), options.only_names->end());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) text += '\0' + ("=" + name);
  }
  return fmt::format("{:016x}", fnv1a(text));
}

void SkippedNames::add(std::string_view file_name) {
  std::string extension = extension_of(file_name);
  if (counts_.size() >= kExtensionsMax && !counts_.contains(extension)) extension = "";
  ++counts_[extension];
}

std::vector<SkippedExtension> most_frequent(const std::map<std::string, std::int64_t>& counts) {
  std::vector<SkippedExtension> all;
  for (const auto& [extension, files] : counts) all.push_back({extension, files});
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.files > b.files; });
  return all;
}

}  // namespace photoscribe
