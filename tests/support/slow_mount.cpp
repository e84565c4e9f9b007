#include "tests/support/slow_mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/support/fuse_mount.h"

namespace photoscribe::test {
namespace {

constexpr std::size_t kRequestMax = 1 << 17, kPathMax = 4096;
constexpr std::uint64_t kKnownForS = 1;  // attributes and names, as FUSE and NFS have it by default

fuse_attr attributes_of(const struct stat& node, std::uint64_t number) {
  fuse_attr made{};
  made.ino = number;
  made.size = static_cast<std::uint64_t>(node.st_size);
  made.blocks = static_cast<std::uint64_t>(node.st_blocks);
  made.mtime = static_cast<std::uint64_t>(node.st_mtim.tv_sec);
  made.mtimensec = static_cast<std::uint32_t>(node.st_mtim.tv_nsec);
  made.mode = node.st_mode;
  made.nlink = 1;
  made.uid = node.st_uid;
  made.gid = node.st_gid;
  made.blksize = 4096;
  return made;
}

}  // namespace

struct SlowMount::Message {
  fuse_in_header head;
  const char* body;
  template <class T>
  [[nodiscard]] T as() const {
    T made;
    std::memcpy(&made, body, sizeof made);
    return made;
  }
};

std::unique_ptr<SlowMount> SlowMount::over(const std::string& place, const std::string& folder,
                                           int threads, Before before) {
  const int device = mount_fuse("slow", place, MS_RDONLY, ",allow_other");
  if (device < 0) return nullptr;
  std::unique_ptr<SlowMount> made(new SlowMount(place, folder, device, std::move(before)));
  for (int i = 0; i < threads; ++i)
    made->threads_.emplace_back([one = made.get()] { one->serve(); });
  return made;
}

SlowMount::~SlowMount() {
  ::umount2(place_.c_str(), MNT_FORCE);  // ends the connection: the threads' reads fail
  ::umount2(place_.c_str(), MNT_DETACH);
  for (std::thread& thread : threads_) thread.join();
  ::close(device_);
}

std::string SlowMount::path_of(std::uint64_t node) {
  const std::lock_guard lock(mutex_);
  return paths_.at(node);
}

std::uint64_t SlowMount::node_of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = nodes_.emplace(path, paths_.size());
  if (is_new) paths_.push_back(path);
  return found->second;
}

void SlowMount::serve() {
  std::vector<char> buffer(kRequestMax);
  for (;;) {
    const ssize_t got = ::read(device_, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) return;  // unmounted
    Message message{};
    std::memcpy(&message.head, buffer.data(), sizeof message.head);
    message.body = buffer.data() + sizeof message.head;
    answer(message);
  }
}

void SlowMount::reply(std::uint64_t unique, int error, const void* data, std::size_t size) const {
  fuse_out_header head{};
  head.len = static_cast<std::uint32_t>(sizeof head + size);
  head.error = -error;
  head.unique = unique;
  const iovec parts[2] = {{&head, sizeof head}, {const_cast<void*>(data), size}};  // NOLINT
  (void)!::writev(device_, parts, size > 0 ? 2 : 1);
}

void SlowMount::answer(const Message& message) {
  const std::uint64_t unique = message.head.unique, node = message.head.nodeid;
  switch (message.head.opcode) {
    case FUSE_INIT: {
      fuse_init_out made{};
      made.major = FUSE_KERNEL_VERSION;
      made.minor = FUSE_KERNEL_MINOR_VERSION;
      made.max_readahead = 1 << 17;
      made.flags = FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS;
      made.max_background = 64;
      made.congestion_threshold = 48;
      made.max_write = 1 << 16;
      return reply(unique, 0, &made, sizeof made);
    }
    case FUSE_LOOKUP:
      return look_up(message);
    case FUSE_GETATTR: {
      fuse_attr_out made{};
      struct stat found {};
      if (::stat((folder_ + "/" + path_of(node)).c_str(), &found) != 0)
        return reply(unique, errno, nullptr, 0);
      made.attr_valid = kKnownForS;
      made.attr = attributes_of(found, node);
      return reply(unique, 0, &made, sizeof made);
    }
    case FUSE_OPEN:
      before_(Request::open, path_of(node));
      [[fallthrough]];
    case FUSE_OPENDIR: {
      const fuse_open_out made{};
      return reply(unique, 0, &made, sizeof made);
    }
    case FUSE_READDIR:
      return list(message);
    case FUSE_READLINK: {
      std::string target(kPathMax, '\0');
      const ssize_t size =
          ::readlink((folder_ + "/" + path_of(node)).c_str(), target.data(), target.size());
      return size < 0 ? reply(unique, errno, nullptr, 0)
                      : reply(unique, 0, target.data(), static_cast<std::size_t>(size));
    }
    case FUSE_READ:
      return read(message);
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return reply(unique, 0, nullptr, 0);
    case FUSE_STATFS: {
      fuse_statfs_out made{};
      made.st.namelen = 255;
      made.st.bsize = made.st.frsize = 4096;
      return reply(unique, 0, &made, sizeof made);
    }
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;  // no answer is expected
    default:
      return reply(unique, ENOSYS, nullptr, 0);  // the kernel does without it from now on
  }
}

void SlowMount::look_up(const Message& message) {
  const std::string folder = path_of(message.head.nodeid);
  const std::string path = folder == "." ? message.body : folder + "/" + message.body;
  struct stat found {};
  const int error = ::lstat((folder_ + "/" + path).c_str(), &found) != 0 ? errno : 0;
  if (error != 0 || !S_ISDIR(found.st_mode)) before_(Request::look_up, path);
  if (error != 0) return reply(message.head.unique, error, nullptr, 0);
  fuse_entry_out made{};
  made.nodeid = node_of(path);
  made.entry_valid = made.attr_valid = kKnownForS;
  made.attr = attributes_of(found, made.nodeid);
  reply(message.head.unique, 0, &made, sizeof made);
}

/// From the entry numbered `offset` on, as many as fit.
void SlowMount::list(const Message& message) {
  const auto wanted = message.as<fuse_read_in>();
  std::vector<char> made;
  DIR* const folder = ::opendir((folder_ + "/" + path_of(message.head.nodeid)).c_str());
  std::uint64_t number = 0;
  while (const dirent* const entry = folder != nullptr ? ::readdir(folder) : nullptr) {
    if (number++ < wanted.offset) continue;
    fuse_dirent one{};
    one.ino = entry->d_ino;
    one.off = number;
    one.namelen = static_cast<std::uint32_t>(std::strlen(entry->d_name));
    one.type = entry->d_type;
    const std::size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + one.namelen);
    if (made.size() + size > wanted.size) break;
    const std::size_t at = made.size();
    made.resize(at + size);
    std::memcpy(made.data() + at, &one, FUSE_NAME_OFFSET);
    std::memcpy(made.data() + at + FUSE_NAME_OFFSET, entry->d_name, one.namelen);
  }
  if (folder != nullptr) ::closedir(folder);
  reply(message.head.unique, 0, made.data(), made.size());
}

void SlowMount::read(const Message& message) {
  const auto wanted = message.as<fuse_read_in>();
  const std::string path = path_of(message.head.nodeid);
  before_(Request::read, path);
  std::vector<char> bytes(wanted.size);
  const int file = ::open((folder_ + "/" + path).c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(wanted.offset));
  const int error = got < 0 ? errno : 0;
  if (file >= 0) ::close(file);
  reply(message.head.unique, error, bytes.data(),
        static_cast<std::size_t>(std::max<ssize_t>(0, got)));
}

}  // namespace photoscribe::test
