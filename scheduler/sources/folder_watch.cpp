#include "scheduler/sources/folder_watch.h"

#include <dirent.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/sqlite/storage.h"
#include "scheduler/sources/folder_listing.h"
#include "scheduler/store/paths.h"

namespace photoscribe {
namespace {

constexpr std::uint32_t kHeard = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                 IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW |
                                 IN_EXCL_UNLINK;

bool is_left_out(std::string_view name) { return name.starts_with('.') || name == "@eaDir"; }

}  // namespace

Expected<FolderWatch> FolderWatch::open() {
  FileDescriptor inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.valid()) {
    return fail(Errc::environment, std::string("watch folders: ") + std::strerror(errno) +
                                       " (fs.inotify.max_user_instances)");
  }
  return FolderWatch(std::move(inotify));
}

bool FolderWatch::add(const std::string& folder) { return add_all(folder, nullptr); }

// The watch first, then the listing: nothing falls between them.
bool FolderWatch::add_all(const std::string& folder, std::vector<FileEvent>* found) {
  const int watch = ::inotify_add_watch(inotify_.get(), folder.c_str(), kHeard);
  if (watch < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return true;  // gone again
    why_not_ = sqlite::text_of(folder) + ": " +
               (errno == ENOSPC ? "no more folders can be watched (fs.inotify.max_user_watches)"
                                : std::strerror(errno));
    return false;
  }
  folders_[watch] = folder;
  FolderListing listing(folder);
  FolderListing::Entry entry{};
  bool all = true;
  while (listing.next(entry)) {
    if (is_left_out(entry.name)) continue;
    const std::string path = joined(folder, entry.name);
    if (entry.type == DT_DIR || entry.type == DT_UNKNOWN) {
      all = add_all(path, found) && all;
    }
    if (entry.type != DT_DIR && found != nullptr) found->push_back({FileEvent::Kind::found, path});
  }
  return all;
}

void FolderWatch::forget_beneath(const std::string& folder) {
  std::erase_if(folders_, [&](const auto& one) {
    if (!lies_in(one.second, folder)) return false;
    ::inotify_rm_watch(inotify_.get(), one.first);
    return true;
  });
}

FolderWatch::Heard FolderWatch::hear() {
  Heard heard;
  alignas(inotify_event) std::array<char, 65'536> block{};
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), block.data(), block.size());
    if (got <= 0) return heard;
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, block.data() + at, sizeof event);
      const char* const name = block.data() + at + sizeof event;
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) heard.lost = true;
      if ((event.mask & IN_IGNORED) != 0) folders_.erase(event.wd);
      const auto folder = folders_.find(event.wd);
      if (event.len == 0 || folder == folders_.end() || is_left_out(name)) continue;
      const std::string path = joined(folder->second, name);
      const bool away = (event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0;
      if ((event.mask & IN_ISDIR) != 0) {
        if (away) forget_beneath(path);
        if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && !add_all(path, &heard.events))
          heard.lost = true;
      } else if (away) {
        heard.events.push_back({FileEvent::Kind::gone, path});
      } else if ((event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
        heard.events.push_back({FileEvent::Kind::closed, path});
      } else if ((event.mask & IN_MODIFY) != 0) {
        heard.events.push_back({FileEvent::Kind::written, path});
      }
    }
  }
}

}  // namespace photoscribe
