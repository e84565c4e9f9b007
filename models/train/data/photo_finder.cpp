#include "models/train/data/photo_finder.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// How many parts of two paths match, from the end.
std::size_t matching_parts(const std::string& a, const std::string& b) {
  const fs::path one(a), other(b);
  auto i = one.end(), j = other.end();
  std::size_t alike = 0;
  while (i != one.begin() && j != other.begin() && *--i == *--j) ++alike;
  return alike;
}

}  // namespace

PhotoFinder::PhotoFinder(std::vector<std::string> folders) {
  std::set<std::string> seen;
  for (std::string& folder : folders) {
    std::error_code failed;
    const fs::path real = fs::canonical(folder, failed);
    if (seen.insert(failed ? folder : real.string()).second) folders_.push_back(std::move(folder));
  }
}

PhotoFinder::Paths PhotoFinder::in_folders(const std::string& name) const {
  Paths found;
  if (name.starts_with('/')) {
    if (is_file(name)) found.push_back(name);
    return found;
  }
  for (const std::string& folder : folders_)
    if (std::string path = folder + "/" + name; is_file(path)) found.push_back(std::move(path));
  return found;
}

void PhotoFinder::index_subfolders() {
  if (is_indexed_) return;
  is_indexed_ = true;
  for (const std::string& folder : folders_) {
    std::error_code failed;
    fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied,
                                        failed);
    for (; !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
      std::error_code ignored;
      if (at->is_regular_file(ignored))
        paths_by_name_[at->path().filename().string()].push_back(at->path().string());
    }
  }
}

PhotoFinder::Paths PhotoFinder::by_ending(const std::string& wanted) {
  index_subfolders();
  Paths best;
  std::size_t most = 0;
  const auto found = paths_by_name_.find(last_part(wanted));
  if (found == paths_by_name_.end()) return best;
  for (const std::string& path : found->second) {
    const std::size_t alike = matching_parts(path, wanted);
    if (alike > most) best.clear();
    most = std::max(most, alike);
    if (alike == most) best.push_back(path);
  }
  return best;
}

std::optional<std::string> PhotoFinder::unique_path(const std::string& name, const Paths& found) {
  if (found.size() == 1) return found.front();
  std::set<std::string> files;  // two folders may hold the same one
  for (const std::string& path : found) {
    std::error_code failed;
    files.insert(fs::canonical(path, failed).string());
  }
  if (files.size() == 1) return found.front();
  if (ambiguities_.size() < 3)
    ambiguities_.push_back(name + " is " + found[0] + " as well as " + found[1]);
  return std::nullopt;
}

std::optional<std::string> PhotoFinder::find(std::string_view folder, const std::string& name) {
  const std::string wanted = folder.empty() ? name : std::string(folder) + "/" + name;
  if (const Paths found = in_folders(wanted); !found.empty()) return unique_path(wanted, found);
  if (!folder.empty())
    if (const Paths found = in_folders(name); !found.empty()) return unique_path(name, found);
  if (const Paths found = by_ending(wanted); !found.empty()) return unique_path(wanted, found);
  return std::nullopt;
}

std::vector<std::string> PhotoFinder::examples(std::size_t count) {
  index_subfolders();
  std::vector<std::string> names;
  for (const auto& [name, paths] : paths_by_name_) {
    names.push_back(name);
    if (names.size() == count) break;
  }
  return names;
}

std::string folders_text(const std::vector<std::string>& folders) {
  if (folders.empty()) return "no folder";
  const std::size_t others = folders.size() - 1;
  return folders.front() + (others == 0   ? ""
                            : others == 1 ? " and " + folders.back()
                                          : " and " + std::to_string(others) + " other folders");
}

}  // namespace photoscribe
