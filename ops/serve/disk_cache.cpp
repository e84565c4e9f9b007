#include "ops/serve/disk_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "common/core/random.h"
#include "common/text/safe_text.h"

namespace photoscribe::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTouchAfter = 3'600;  // seconds: frequent reads do not write each time
constexpr std::string_view kSuffix = ".jpg";

void touch(const std::string& file) { ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }

bool is_world_writable(const fs::path& folder) {
  struct ::stat is {};
  return ::stat(folder.c_str(), &is) != 0 || (is.st_mode & S_IWOTH) != 0;
}

/// It is in a world-writable folder, and is not a folder that only this user can have made.
bool is_untrusted(const fs::path& part) {
  if (!part.has_relative_path() || !is_world_writable(part.parent_path())) return false;
  struct ::stat is {};
  return ::lstat(part.c_str(), &is) != 0 || !S_ISDIR(is.st_mode) || is.st_uid != ::geteuid() ||
         (is.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

}  // namespace

bool is_own_folder(const std::string& folder) {
  struct ::stat is {};
  if (::stat(folder.c_str(), &is) != 0 || !S_ISDIR(is.st_mode) || is.st_uid != ::geteuid() ||
      (is.st_mode & S_IWOTH) != 0) {
    return false;
  }
  for (fs::path part = folder; part.has_relative_path(); part = part.parent_path()) {
    if (is_untrusted(part)) return false;
  }
  return true;
}

std::string user_cache_folder() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value != nullptr && value[0] == '/' ? value : "");
  };
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty())
    return cache + "/photoscribe";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/photoscribe";
  return "/tmp/photoscribe-cache-" + std::to_string(::getuid());
}

bool DiskCache::is_ours() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ours_ = ours_ || is_own_folder(folder_);
}

Status DiskCache::make_folder() {
  bool good = true;
  fs::path made;
  for (const fs::path& part : fs::path(folder_)) {
    made /= part;
    ::mkdir(made.c_str(), 0700);  // photos may be private; existing folders keep their mode
    good = good && !is_untrusted(made);
    if (!good) break;
  }
  if (good && is_ours()) {
    ::chmod(folder_.c_str(), 0700);
    return {};
  }
  return fail(Errc::environment, "thumbnails in " + shown(folder_) +
                                     ": the folder cannot be made, or others can write there, so "
                                     "none are kept; XDG_CACHE_HOME names another place");
}

std::string DiskCache::path_of(const std::string& key) const {
  return folder_ + "/" + key.substr(0, 2) + "/" + key + std::string(kSuffix);
}

void DiskCache::load() {
  if (std::exchange(loaded_, true)) return;
  std::vector<std::pair<std::array<std::int64_t, 2>, std::string>> by_use;  // seconds, nanoseconds
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder_, failed), end; !failed && it != end;
       it.increment(failed)) {
    const std::string name = it->path().filename().string();
    struct ::stat info {};
    if (!name.ends_with(kSuffix) || ::lstat(it->path().c_str(), &info) != 0 ||
        !S_ISREG(info.st_mode)) {
      continue;
    }
    std::string key = name.substr(0, name.size() - kSuffix.size());
    entries_[key] = {info.st_size, info.st_mtime};
    bytes_ += info.st_size;
    by_use.push_back({{info.st_mtim.tv_sec, info.st_mtim.tv_nsec}, std::move(key)});
  }
  std::sort(by_use.begin(), by_use.end());
  for (const auto& [used, key] : by_use) entries_[key].turn = ++turns_;
}

void DiskCache::note_use(Entry& entry, std::int64_t bytes) {
  bytes_ += bytes - std::exchange(entry.bytes, bytes);
  entry.turn = ++turns_;
}

std::optional<std::string> DiskCache::get(const std::string& key) {
  if (!is_ours()) return std::nullopt;
  const std::string file = path_of(key);
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (bytes.empty()) return std::nullopt;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!loaded_) return bytes;
  Entry& entry = entries_[key];
  note_use(entry, static_cast<std::int64_t>(bytes.size()));
  if (const std::int64_t now = std::time(nullptr); now - entry.touched_unix_s > kTouchAfter) {
    touch(file);
    entry.touched_unix_s = now;
  }
  return bytes;
}

Status DiskCache::put(const std::string& key, std::string_view bytes) {
  const std::string file = path_of(key);
  const std::string beside = file + "." + std::to_string(random_u64());
  std::error_code failed;
  if (Status made = make_folder(); !made) return made;
  fs::create_directories(fs::path(file).parent_path(), failed);
  std::ofstream out(beside, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out || std::rename(beside.c_str(), file.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(beside.c_str());
    return fail(Errc::environment, "thumbnails in " + shown(folder_) + ": " + why);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  load();
  Entry& entry = entries_[key];
  note_use(entry, static_cast<std::int64_t>(bytes.size()));
  entry.touched_unix_s = std::time(nullptr);
  if (bytes_ > bytes_max_) make_room();
  return {};
}

void DiskCache::make_room() {
  std::vector<std::pair<std::uint64_t, std::string>> oldest;
  oldest.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) oldest.emplace_back(entry.turn, key);
  std::sort(oldest.begin(), oldest.end());
  for (const auto& [turn, key] : oldest) {
    if (bytes_ <= bytes_max_ - bytes_max_ / 10) break;
    ::unlink(path_of(key).c_str());
    bytes_ -= entries_[key].bytes;
    entries_.erase(key);
  }
}

}  // namespace photoscribe::serve
