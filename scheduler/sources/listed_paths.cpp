#include "scheduler/sources/listed_paths.h"

#include <algorithm>
#include <fstream>

#include "common/remote/photo_url.h"
#include "common/sqlite/storage.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFoldersKept = 100'000;

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string parent_of(const std::string& absolute) {
  const auto slash = absolute.rfind('/');
  return slash == 0 ? "/" : absolute.substr(0, slash);
}

/// Without "." and "//"; ".." goes up.
std::string normal(std::string_view absolute) {
  std::vector<std::string_view> parts;
  while (!absolute.empty()) {
    const auto slash = absolute.find('/');
    const std::string_view part = absolute.substr(0, slash);
    absolute.remove_prefix(slash == std::string_view::npos ? absolute.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) (out += '/') += part;
  return out.empty() ? "/" : out;
}

/// Without what stands around it in a list.
std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Expected<std::string> whole_url(std::string_view text) {
  if (!is_remote(text)) {
    return fail(Errc::usage, sqlite::text_of(text.substr(0, text.find("://"))) +
                                 ":// is not fetched from, only https://, http:// and s3://: "
                                 "download such photos first");
  }
  const Expected<PhotoUrl> url = parse_photo_url(without_blanks(text));
  if (!url) return fail(url.error());  // not quoted: it may hold a password
  if (url->path.empty() || url->path.ends_with('/'))
    return fail(Errc::usage, sqlite::text_of(text) + " names no photo");
  return url->root + "/" + url->path;
}

std::string common_folder(const std::string& a, const std::string& b) {
  std::string folder = a;
  while (!lies_in(b, folder)) folder = parent_of(folder);
  return folder;
}

/// "\040" of the kernel's table is a blank.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool octal = text[i] == '\\' && i + 3 < text.size();
    out += octal ? static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                     (text[i + 3] - '0'))
                 : text[i];
    if (octal) i += 3;
  }
  return out;
}

}  // namespace

bool is_address(std::string_view path) noexcept {
  const auto end = path.find("://");
  if (end == std::string_view::npos || end == 0 || !is_letter(path.front())) return false;
  return std::all_of(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

std::vector<std::string> mount_points() {
  std::vector<std::string> points;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::size_t at = 0;
    for (int field = 0; field < 4 && at != std::string::npos; ++field) {
      at = line.find(' ', at);
      if (at != std::string::npos) ++at;
    }
    if (at == std::string::npos) continue;
    points.push_back(unescaped(std::string_view(line).substr(at, line.find(' ', at) - at)));
  }
  return points;
}

ListedPaths::ListedPaths(std::vector<Root> roots, std::string below)
    : roots_(std::move(roots)), below_(std::move(below)) {}

Expected<std::string> ListedPaths::whole(std::string_view path) {
  if (is_address(path)) return whole_url(path);
  std::string absolute(path);
  if (!path.starts_with('/')) {
    if (below_.empty()) {
      return fail(Errc::usage, sqlite::text_of(path) +
                                   " is relative; --root DIR says below which folder (--root . is "
                                   "this one)");
    }
    absolute = normal((below_ + "/").append(path));
    if (absolute == below_ || !lies_in(absolute, below_))
      return fail(Errc::usage,
                  sqlite::text_of(path) + " leads out of --root " + sqlite::text_of(below_));
    absolute = (below_ + "/").append(path);
  }
  while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  const auto slash = absolute.rfind('/');
  const std::string name = absolute.substr(slash + 1);
  if (name.empty() || name == "." || name == "..")
    return fail(Errc::usage, sqlite::text_of(path) + " names a folder, not a photo");
  const std::string folder = real_folder(slash == 0 ? "/" : absolute.substr(0, slash));
  return (folder == "/" ? "" : folder) + "/" + name;
}

std::string ListedPaths::real_folder(const std::string& folder) {
  const auto known = real_.find(folder);
  if (known != real_.end()) return known->second;
  std::string real = real_path(folder);
  if (real.empty()) {
    // What is there of it is real, the rest as it is written.
    const std::string plain = normal(folder);
    real = plain == "/" ? plain : real_folder(parent_of(plain));
    if (plain != "/") (real == "/" ? real : real += '/') += base_name(plain);
  }
  if (real_.size() >= kFoldersKept) real_.clear();
  return real_[folder] = real;
}

ListedPaths::Place ListedPaths::place(const std::string& whole) {
  if (is_remote(whole)) return place_of_url(whole);
  const auto slash = whole.rfind('/');
  const std::string folder = slash == 0 ? "/" : whole.substr(0, slash);
  auto known = folders_.find(folder);
  if (known == folders_.end()) {
    Folder found;
    for (std::size_t i = 0; i < roots_.size(); ++i) {
      const auto deepest = [&] {
        return found.root < 0 ||
               roots_[i].folder.size() > roots_[static_cast<std::size_t>(found.root)].folder.size();
      };
      if (lies_in(folder, roots_[i].folder) && deepest()) found.root = static_cast<int>(i);
    }
    if (found.root >= 0) {
      const std::string& root = roots_[static_cast<std::size_t>(found.root)].folder;
      if (folder != root) found.inside = folder.substr(root == "/" ? 1 : root.size() + 1);
    }
    if (folders_.size() >= kFoldersKept) folders_.clear();
    known = folders_.emplace(folder, std::move(found)).first;
  }
  return {known->second.root,
          joined(known->second.inside, std::string_view(whole).substr(slash + 1))};
}

ListedPaths::Place ListedPaths::place_of_url(const std::string& whole) {
  const std::string server = server_of(whole);
  auto known = folders_.find(server);
  if (known == folders_.end()) {
    const auto at = std::find_if(roots_.begin(), roots_.end(),
                                 [&](const Root& root) { return root.folder == server; });
    Folder found;
    if (at != roots_.end()) found.root = static_cast<int>(at - roots_.begin());
    if (folders_.size() >= kFoldersKept) folders_.clear();
    known = folders_.emplace(server, std::move(found)).first;
  }
  return {known->second.root, whole.substr(server.size() + 1)};
}

std::string server_of(const std::string& whole_url) {
  return whole_url.substr(0, whole_url.find('/', whole_url.find("://") + 3));
}

void NewRoots::add(const std::string& whole_path) {
  if (is_remote(whole_path)) {
    servers_.insert(server_of(whole_path));
    return;
  }
  const std::string folder = parent_of(whole_path);
  if (folder == last_) return;
  last_ = folder;
  std::string of = "/";
  for (const std::string& mount : mounts_) {
    if (mount.size() > of.size() && lies_in(folder, mount)) of = mount;
  }
  if (of == "/") of = folder.substr(0, folder.find('/', 1));
  const auto [at, is_new] = common_.try_emplace(of, folder);
  if (!is_new && !lies_in(folder, at->second)) at->second = common_folder(at->second, folder);
}

std::vector<std::string> NewRoots::folders() const {
  std::vector<std::string> all;
  for (const auto& [file_system, folder] : common_) all.push_back(folder);
  all.insert(all.end(), servers_.begin(), servers_.end());
  return all;
}

}  // namespace photoscribe
