#include "scheduler/store/photo_names.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <set>

#include "common/sqlite/storage.h"
#include "common/text/did_you_mean.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::size_t kListed = 10;           // of photos that a name may mean
constexpr std::size_t kCompared = 50'000;     // names, for a suggestion
constexpr std::size_t kLengthDifference = 3;  // of a suggestion

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// The bytes of which `text` is the uri_part().
std::string unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    if (!escape) {
      bytes += text[i];
      continue;
    }
    bytes += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return bytes;
}

std::string without_scheme(const std::string& name) {
  constexpr std::string_view kFile = "file://";
  return name.starts_with(kFile) ? name.substr(kFile.size()) : name;
}

std::optional<std::int64_t> number_in(const std::string& name) {
  std::int64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number <= 0) return std::nullopt;
  return number;
}

bool ends_with_path(const std::string& path, const std::string& end) {
  return path.ends_with(end) &&
         (path.size() == end.size() || path[path.size() - end.size() - 1] == '/');
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

}  // namespace

NamedPhotos::NamedPhotos(sqlite::Database& db) : db_(db) {
  auto row = db_.query("SELECT root_id, name, folder FROM root ORDER BY root_id");
  while (row.step()) roots_.push_back({row.integer(0), row.text(1), row.text(2)});
}

std::optional<PhotoAt> NamedPhotos::at(const RootAt& root, const std::string& path) {
  auto row = db_.query("SELECT 1 FROM image WHERE root_id = ? AND path = ? LIMIT 1");
  if (!row.with(root.root_id, sqlite::Blob{path}).step()) return std::nullopt;
  return PhotoAt{root.root_id, path, uri_of(root.folder, path)};
}

std::optional<PhotoAt> NamedPhotos::at_file(const std::string& absolute) {
  for (const RootAt& root : roots_) {
    if (!lies_in(absolute, root.folder) || absolute == root.folder) continue;
    const std::size_t begin = root.folder == "/" ? 1 : root.folder.size() + 1;
    if (auto found = at(root, absolute.substr(begin))) return found;
  }
  return std::nullopt;
}

std::optional<PhotoAt> NamedPhotos::with_uri(const std::string& uri) {
  return at_file(unescaped(without_scheme(uri)));
}

std::optional<PhotoAt> NamedPhotos::with_id(std::int64_t image_id) {
  auto row = db_.query("SELECT root_id, path FROM image WHERE image_id = ?");
  if (!row.with(image_id).step()) return std::nullopt;
  for (const RootAt& root : roots_) {
    if (root.root_id == row.integer(0)) {
      const std::string path = row.text(1);
      return PhotoAt{root.root_id, path, uri_of(root.folder, path)};
    }
  }
  return std::nullopt;
}

std::optional<PhotoAt> NamedPhotos::in_root(const std::string& root, const std::string& path) {
  for (const RootAt& one : roots_) {
    if (one.name == root) return at(one, path);
  }
  return std::nullopt;
}

const std::vector<std::pair<std::size_t, std::int64_t>>& NamedPhotos::base_names() {
  if (has_base_names_) return base_names_;
  has_base_names_ = true;
  auto row = db_.query("SELECT min(image_id), path FROM image GROUP BY root_id, path");
  while (row.step()) {
    const std::string path = row.text(1);
    base_names_.emplace_back(std::hash<std::string_view>{}(base_name(path)), row.integer(0));
  }
  std::sort(base_names_.begin(), base_names_.end());
  return base_names_;
}

std::vector<PhotoAt> NamedPhotos::below_roots(const std::string& name) {
  std::vector<PhotoAt> whole, ends;
  for (const RootAt& root : roots_) {
    if (auto found = at(root, name)) whole.push_back(std::move(*found));
    if (!name.starts_with(root.name + "/")) continue;
    if (auto found = at(root, name.substr(root.name.size() + 1)))
      whole.push_back(std::move(*found));
  }
  if (!whole.empty()) return whole;
  const auto& all = base_names();
  const std::size_t hash = std::hash<std::string_view>{}(base_name(name));
  for (auto one = std::lower_bound(all.begin(), all.end(), std::pair{hash, std::int64_t{0}});
       one != all.end() && one->first == hash; ++one) {
    std::optional<PhotoAt> photo = with_id(one->second);
    if (photo && ends_with_path(photo->path, name)) ends.push_back(std::move(*photo));
  }
  return ends;
}

std::string NamedPhotos::nearest(const std::string& name) {
  const std::string base = lower(std::string(base_name(name)));
  if (base.empty() || suggestions_left_-- <= 0) return "";
  std::set<std::string> near;
  auto row = db_.query("SELECT path FROM image");
  while (near.size() < kCompared && row.step()) {
    const std::string path = row.text(0);
    const std::string_view other = base_name(path);
    const std::size_t difference =
        std::max(other.size(), base.size()) - std::min(other.size(), base.size());
    if (difference <= kLengthDifference) near.emplace(other);
  }
  return did_you_mean(std::string(base_name(name)), {near.begin(), near.end()});
}

Expected<PhotoAt> NamedPhotos::find(const std::string& name) {
  const auto quoted = [](const std::string& text) { return "\"" + sqlite::text_of(text) + "\""; };
  if (name.empty()) return fail(Errc::usage, "a photo without a name");
  if (auto found = at_file(name)) return *found;
  if (auto found = with_uri(name)) return *found;
  std::error_code failed;
  const auto here = std::filesystem::absolute(name, failed).lexically_normal();
  if (auto found = at_file(here.string())) return *found;
  if (const std::string real = real_path(name); !real.empty()) {
    if (auto found = at_file(real)) return *found;
  }
  const std::string relative = std::filesystem::path(name).lexically_normal().string();
  std::vector<PhotoAt> found = below_roots(relative);
  if (found.empty()) found = below_roots(unescaped(relative));
  if (found.size() == 1) return found.front();
  if (const auto number = number_in(name); number && found.empty()) {
    if (auto photo = with_id(*number)) return *photo;
    return fail(Errc::usage, "no photo has the number or the name " + name);
  }
  if (found.empty()) {
    return fail(Errc::usage, "no photo is called " + quoted(name) + nearest(relative));
  }
  std::string all;
  for (std::size_t i = 0; i < std::min(found.size(), kListed); ++i) {
    all += (i == 0 ? "" : ", ") + found[i].uri;
  }
  if (found.size() > kListed) all += " and " + std::to_string(found.size() - kListed) + " more";
  return fail(Errc::usage, quoted(name) + " may be any of " + std::to_string(found.size()) +
                               " photos, say more of the path: " + all);
}

}  // namespace photoscribe
