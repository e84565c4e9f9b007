#include "common/sqlite/lock_file.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/sqlite/storage.h"

namespace photoscribe::sqlite {
namespace {

std::string holder_of(int descriptor) {
  std::array<char, 256> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0U);
  while (!holder.empty() && (holder.back() == '\n' || holder.back() == '\0')) holder.pop_back();
  return holder.empty() ? "another process" : text_of(holder);
}

bool still_at(int descriptor, const std::string& path) {
  struct ::stat open {};
  struct ::stat named {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

void write_holder(int descriptor) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  const std::string holder = "process " + std::to_string(::getpid()) + " on " + host.data() + "\n";
  // For people only: a lock without a name in it still locks, so failures here do not matter.
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, holder.data(), holder.size(), 0);
  }
}

}  // namespace

Expected<LockFile> LockFile::take(const std::string& database) {
  const std::string path = absolute_path(database) + ".lock";
  for (;;) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file.valid()) {
      return fail(Errc::store_failure, "lock " + text_of(path) + ": " + std::strerror(errno) +
                                           "; writing a database needs a folder that can be "
                                           "written: fix its permissions or name another place");
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      const int why = errno;
      if (why == EINTR) continue;
      if (why != EWOULDBLOCK) {
        return fail(Errc::store_failure, "lock " + text_of(path) + ": " + std::strerror(why));
      }
      return fail(Errc::store_locked,
                  text_of(database) + " is being written by " + holder_of(file.get()) +
                      "; wait until it ends, stop it, or use another database (--output)");
    }
    // The holder before may have unlinked the file between our open and our lock.
    if (still_at(file.get(), path)) {
      write_holder(file.get());
      return LockFile(std::move(file), path);
    }
  }
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  if (this != &other) {
    release();
    file_ = std::move(other.file_);
    path_ = std::move(other.path_);
  }
  return *this;
}

LockFile::~LockFile() { release(); }

void LockFile::release() noexcept {
  if (!file_.valid()) return;
  ::unlink(path_.c_str());  // while the lock is held: nobody else can be its owner
  file_.reset();
}

}  // namespace photoscribe::sqlite
