#include "ops/cli/export/photo_place.h"

#include <filesystem>

namespace photoscribe::cli {
namespace {

bool stays_below(const std::string& path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      return false;
    at = end + 1;
  }
  return true;
}

std::string without_extension(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto dot = path.rfind('.');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return dot == std::string::npos || dot <= name ? path : path.substr(0, dot);
}

}  // namespace

Expected<std::string> sidecar_of(const SidecarPlace& place, const std::string& root_name,
                                 const std::string& folder, const std::string& path) {
  const std::string below =
      place.into.empty() || !place.several_roots ? path : root_name + "/" + path;
  if (!stays_below(below)) return fail(Errc::bad_payload, "its path leads out of its root");
  std::string base = place.into.empty() ? folder : place.into;
  if (!base.ends_with("/")) base += '/';
  return base + (place.style == SidecarStyle::lightroom ? without_extension(below) : below) +
         place.extension;
}

bool is_local(const std::string& folder) { return folder.starts_with("/"); }

bool is_in_archive(const std::string& folder, const std::string& path) {
  std::error_code ignored;
  for (auto at = path.find('!'); at != std::string::npos; at = path.find('!', at + 1)) {
    const auto archive = std::filesystem::path(folder) / path.substr(0, at);
    if (std::filesystem::is_regular_file(archive, ignored)) return true;
  }
  return false;
}

}  // namespace photoscribe::cli
