// file_descriptor: an open file, socket or end of a pipe that is closed with its owner.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace photoscribe {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes what open(2) and its kind return: a negative number is none.
  explicit FileDescriptor(int number) noexcept : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~FileDescriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
  /// The caller's to close.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  /// Closes what it had. errno stays: it is often looked at afterwards.
  void reset(int number = -1) noexcept {
    const int old = std::exchange(number_, number);
    if (old < 0) return;
    const int error = errno;
    ::close(old);
    errno = error;
  }

 private:
  int number_ = -1;
};

struct Pipe {
  FileDescriptor read, write;
};

/// Both ends are closed on exec. Neither is valid where there is no pipe to be had: see errno.
[[nodiscard]] inline Pipe open_pipe() noexcept {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace photoscribe
