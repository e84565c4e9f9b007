// paths: parts of paths as raw bytes. No encoding, no file system but for real_path().
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "common/archive/member_name.h"

namespace photoscribe {

inline std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

/// The path of the file on disk: of an archive's member (archive_bytes > 0) the archive's.
inline std::string_view file_on_disk(std::string_view path, std::int64_t archive_bytes) {
  return archive_bytes > 0 ? path.substr(0, static_cast<std::size_t>(archive_bytes)) : path;
}

/// base_name(), also of an archive's member: without the number of one that is there twice.
inline std::string_view photo_base_name(std::string_view path, std::int64_t archive_bytes) {
  if (archive_bytes <= 0) return base_name(path);
  path.remove_prefix(std::min(path.size(), static_cast<std::size_t>(archive_bytes) + 1));
  return base_name(without_number(path));
}

/// "" for a path of one part.
inline std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

inline std::string joined(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  return folder + (folder.back() == '/' ? "" : "/") + std::string(name);
}

/// Both absolute, without links and without a slash at the end.
inline bool lies_in(const std::string& path, const std::string& folder) {
  if (path == folder || folder == "/") return true;
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/// Without links; empty when it leads nowhere (errno says why).
inline std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? real.get() : "";
}

}  // namespace photoscribe
