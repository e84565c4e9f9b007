#include "worker/photo/open_beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "worker/photo/link_stores.h"
#include "worker/photo/open_failure.h"
#include "worker/photo/packed_tars.h"
#include "worker/photo/remote_photos.h"

namespace photoscribe {
namespace {

constexpr int kLinksMax = 40;     // as the kernel's own limit
constexpr int kRaceRetries = 16;  // openat2 answers EAGAIN when a folder moves meanwhile

int open_path_beneath(int root, const std::string& path, std::uint64_t flags) {
  struct open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int i = 0;; ++i) {
    const auto fd = static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EAGAIN || i == kRaceRetries) return fd;
  }
}

/// The components of `path` in order; empty ones and "." say nothing.
std::deque<std::string> components(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

Opened<std::string> read_link(int link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = readlinkat(link, "", target.data(), target.size());
  if (size < 0) return blame_machine(fault_of_errno(errno), text_of(errno));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

/// What lies below `base` in the absolute path `target`, or nothing when it leads elsewhere.
std::optional<std::string_view> below(std::string_view base, std::string_view target) {
  if (base == "/") return target.substr(1);
  if (!target.starts_with(base)) return std::nullopt;
  const std::string_view rest = target.substr(base.size());
  if (!rest.empty() && rest.front() != '/') return std::nullopt;
  return rest;
}

/// False also when it cannot be listed: then there is something there that is not ours to see.
bool is_empty_folder(int folder) {
  FileDescriptor readable(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* const listing = readable.valid() ? fdopendir(readable.get()) : nullptr;
  if (listing == nullptr) return false;
  (void)readable.release();  // the listing's
  bool empty = true;
  while (const dirent* const entry = readdir(listing)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    empty = false;
    break;
  }
  closedir(listing);
  return empty;
}

}  // namespace

bool is_environment_errno(int error) noexcept {
  switch (error) {
    case EIO:
    case ESTALE:
    case ENOTCONN:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EINTR:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EREMOTEIO:
    case ENODEV:
    case ENXIO:
    case ENOMEDIUM:
    case ENOLINK:
      return true;
    default:
      return false;
  }
}

FaultOf fault_of_errno(int error) noexcept {
  if (error == EMFILE || error == ENFILE) return FaultOf::machine;
  return error == ENOMEM ? FaultOf::memory : FaultOf::storage;
}

std::string PhotoRoot::real_folder() const {
  const std::string real = canonical();
  return real.empty() ? folder_ : real;
}

PhotoRoot PhotoRoot::awaited(std::string name, std::string folder) {
  PhotoRoot root;
  root.name_ = std::move(name);
  root.folder_ = std::move(folder);
  root.packed_tars_ = std::make_shared<PackedTars>();
  return root;
}

PhotoRoot PhotoRoot::of_server(std::string name, std::string folder,
                               std::shared_ptr<RemotePhotos> photos) {
  PhotoRoot root = awaited(std::move(name), std::move(folder));
  root.remote_ = std::move(photos);
  return root;
}

Expected<PhotoRoot> PhotoRoot::open(std::string name, std::string folder) {
  PhotoRoot root = awaited(std::move(name), std::move(folder));
  const FileDescriptor fd(::open(root.folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info = {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    return fail(Errc::environment, "root " + root.name_ + "=" + root.folder_ + ": " +
                                       text_of(errno) + "; mount it or correct --root");
  }
  (void)root.recognise(fd.get(), info.st_dev);  // an empty one is not there yet
  return root;
}

// A mount point without its archive is an empty folder: its photos are not missing.
Status PhotoRoot::recognise(int folder, dev_t device) const {
  const std::lock_guard lock(found_->mutex);
  if (found_->device == device) return {};
  const std::string what = "root " + name_ + "=" + folder_;
  if (found_->device) {
    return fail(Errc::environment,
                what +
                    ": not the device that was there when this worker started; mount the archive "
                    "again, or restart the worker if this is right");
  }
  if (is_empty_folder(folder)) {
    return fail(Errc::environment, what + ": it is empty; mount the archive");
  }
  char* const canonical = realpath(folder_.c_str(), nullptr);
  if (canonical == nullptr) return fail(Errc::environment, what + ": " + text_of(errno));
  found_->canonical = canonical;
  free(canonical);
  found_->device = device;
  return {};
}

std::string PhotoRoot::canonical() const {
  const std::lock_guard lock(found_->mutex);
  return found_->canonical;
}

Opened<FileDescriptor> PhotoRoot::enter() const {
  FileDescriptor fd(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat info = {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) {
    const int error = errno;
    return blame_machine(fault_of_errno(error),
                         "root " + name_ + "=" + folder_ + ": " + text_of(error));
  }
  if (Status known = recognise(fd.get(), info.st_dev); !known) {
    return blame_machine(FaultOf::storage, std::move(known.error().message));
  }
  return fd;
}

Status PhotoRoot::check() const {
  if (remote_) return remote_->check();
  auto fd = enter();
  if (!fd) return fail(Errc::environment, std::move(fd.error().detail));
  if (is_empty_folder(fd->get())) {
    return fail(Errc::environment,
                "root " + name_ + "=" + folder_ + ": it is empty now; mount the archive");
  }
  return {};
}

OpenFailure PhotoRoot::classify(int error, std::string_view path) const {
  const std::string detail = text_of(error);
  if (is_environment_errno(error)) {
    return {true, fault_of_errno(error), Reason::unreadable,
            "open " + folder_ + "/" + std::string(path) + ": " + detail};
  }
  if (error == ENOENT || error == ENOTDIR) {
    // Only under a living root is it the photo that is missing.
    if (Status alive = check(); !alive) {
      return {true, FaultOf::storage, Reason::unreadable, std::move(alive.error().message)};
    }
    return {false, {}, Reason::missing, detail};
  }
  if (error == EXDEV) {
    return {false,
            {},
            Reason::outside_root,
            "leaves the root " + name_ + " outside what --follow-links of this worker allows"};
  }
  return {false, {}, Reason::unreadable, detail};
}

Opened<FileDescriptor> PhotoRoot::open_file(std::string_view path) const {
  return open_with(&PhotoRoot::locate, path);
}

Opened<FileDescriptor> PhotoRoot::open_file_by_walking(std::string_view path) const {
  return open_with(&PhotoRoot::walk_or_leave, path);
}

Opened<FileDescriptor> PhotoRoot::open_with(Locate how, std::string_view path) const {
  if (path.empty()) return refuse(Reason::missing, "the path is empty");
  if (path.find('\0') != std::string_view::npos) {
    return refuse(Reason::missing, "the path holds a NUL byte, as no file's name can");
  }
  if (path.front() == '/') return refuse(Reason::outside_root, "the path is absolute");
  auto root = enter();
  if (!root) return tl::unexpected(root.error());
  auto located = (this->*how)(root->get(), path);
  if (!located) return tl::unexpected(located.error());
  return open_located(std::move(*located), root->get(), path);
}

Opened<FileDescriptor> PhotoRoot::locate(int root, std::string_view path) const {
  FileDescriptor fd(open_path_beneath(root, std::string(path), O_PATH));
  if (fd.valid()) return fd;
  const int error = errno;
  // EXDEV may be an absolute link that leads back beneath the root, which openat2 refuses.
  if (error == ENOSYS || error == EPERM || error == EINVAL || error == EXDEV) {
    return walk_or_leave(root, path);
  }
  return tl::unexpected(classify(error, path));
}

Opened<FileDescriptor> PhotoRoot::walk_or_leave(int root, std::string_view path) const {
  auto walked = walk(root, path);
  if (walked || walked.error().environment || walked.error().reason != Reason::outside_root ||
      !stores_) {
    return walked;
  }
  // Links lead to stores; a task's own ".." does not.
  const std::deque<std::string> parts = components(path);
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) return walked;
  auto stored = stores_->open(canonical() + "/" + std::string(path));
  if (stored) return std::move(*stored);
  return stored.error() == EXDEV
             ? std::move(walked)
             : Opened<FileDescriptor>(tl::unexpected(classify(stored.error(), path)));
}

// Every folder on the way is held open, and ".." goes back to the one that was held, so renaming
// folders meanwhile cannot lead out.
Opened<FileDescriptor> PhotoRoot::walk(int root, std::string_view path) const {
  std::deque<std::string> ahead = components(path);
  if (path.ends_with('/')) ahead.emplace_back(".");
  std::vector<FileDescriptor> folders;
  int links = 0;
  while (!ahead.empty()) {
    const std::string part = std::move(ahead.front());
    ahead.pop_front();
    const int here = folders.empty() ? root : folders.back().get();
    if (part == "..") {
      if (folders.empty()) return tl::unexpected(classify(EXDEV, path));
      folders.pop_back();
      continue;
    }
    FileDescriptor next(openat(here, part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info = {};
    if (!next.valid() || fstat(next.get(), &info) != 0) {
      return tl::unexpected(classify(errno, path));
    }
    if (!S_ISLNK(info.st_mode)) {
      if (ahead.empty()) return next;
      if (!S_ISDIR(info.st_mode)) return tl::unexpected(classify(ENOTDIR, path));
      folders.push_back(std::move(next));
      continue;
    }
    if (++links > kLinksMax) return tl::unexpected(classify(ELOOP, path));
    const auto target = read_link(next.get());
    if (!target) return tl::unexpected(target.error());
    std::string_view rest = *target;
    if (rest.starts_with('/')) {
      const auto inside = below(canonical(), rest);
      if (!inside) {
        const bool dangling =
            faccessat(here, part.c_str(), F_OK, AT_EACCESS) != 0 && errno == ENOENT;
        return tl::unexpected(classify(dangling ? ENOENT : EXDEV, path));
      }
      folders.clear();
      rest = *inside;
    }
    auto before = components(rest);
    ahead.insert(ahead.begin(), std::make_move_iterator(before.begin()),
                 std::make_move_iterator(before.end()));
    if (ahead.empty()) ahead.emplace_back(".");
  }
  // Only ".." or nothing was left: the path names a folder.
  return refuse(Reason::not_a_file, "a folder");
}

Opened<FileDescriptor> PhotoRoot::open_located(FileDescriptor located, int root,
                                               std::string_view path) const {
  struct stat info = {};
  if (fstat(located.get(), &info) != 0) return tl::unexpected(classify(errno, path));
  if (!S_ISREG(info.st_mode)) {
    const char* kind = S_ISDIR(info.st_mode)    ? "a folder"
                       : S_ISFIFO(info.st_mode) ? "a named pipe"
                       : S_ISSOCK(info.st_mode) ? "a socket"
                                                : "a device";
    return refuse(Reason::not_a_file, kind);
  }
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  // The very inode that was looked at, whatever the name means by now.
  const std::string same = "/proc/self/fd/" + std::to_string(located.get());
  FileDescriptor file(::open(same.c_str(), kFlags));
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) {  // no /proc here
    file = FileDescriptor(open_path_beneath(root, std::string(path), kFlags));
  }
  struct stat opened = {};
  if (!file.valid() || fstat(file.get(), &opened) != 0) {
    return tl::unexpected(classify(errno, path));
  }
  if (opened.st_dev != info.st_dev || opened.st_ino != info.st_ino) {
    return blame_machine(FaultOf::storage, "open " + folder_ + "/" + std::string(path) +
                                               ": the file was replaced while it was being opened");
  }
  return file;
}

}  // namespace photoscribe
