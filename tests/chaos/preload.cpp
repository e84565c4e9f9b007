#include "tests/chaos/preload.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

using photoscribe::test::PreloadOrders;

PreloadOrders* orders = nullptr;

__attribute__((constructor)) void find_orders() {
  const char* const path = std::getenv(photoscribe::test::kPreloadVariable);
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const map =
      ::mmap(nullptr, sizeof(PreloadOrders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (map != MAP_FAILED) orders = static_cast<PreloadOrders*>(map);
}

long long offset_s() { return orders == nullptr ? 0 : orders->clock_offset_s; }

/// Whether the file's path ends so, in four bytes.
bool ends_with(int fd, const char* ending) {
  char link[64] = "/proc/self/fd/", path[4096];
  std::size_t at = std::strlen(link);
  char digits[16];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + fd % 10);
    fd /= 10;
  } while (fd > 0);
  while (count > 0) link[at++] = digits[--count];
  const ssize_t size = ::readlink(link, path, sizeof path);
  return size > 4 && std::memcmp(path + size - 4, ending, 4) == 0;
}

ssize_t put(int fd, const void* bytes, std::size_t size, off64_t at) {
  if (orders != nullptr && ends_with(fd, "-wal")) {
    const long long number = orders->wal_writes + 1;
    orders->wal_writes = number;
    if (orders->kill_at_write > 0 && number >= orders->kill_at_write) {
      orders->kill_at_write = 0;
      ::syscall(SYS_pwrite64, fd, bytes, size / 2, at);
      ::kill(::getpid(), SIGKILL);
    }
  }
  return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += offset_s();
  return static_cast<int>(result);
}

int gettimeofday(timeval* now, void* /*zone*/) noexcept {
  timespec exact{};
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* now) noexcept {
  timespec exact{};
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now != nullptr) *now = exact.tv_sec;
  return exact.tv_sec;
}

ssize_t read(int fd, void* into, std::size_t size) {
  if (orders != nullptr && orders->photos_fail != 0 && ends_with(fd, ".jpg")) {
    orders->failed_reads = orders->failed_reads + 1;
    errno = EIO;
    return -1;
  }
  return ::syscall(SYS_read, fd, into, size);
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  return put(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, std::size_t size, off64_t at) {
  return put(fd, bytes, size, at);
}
}
