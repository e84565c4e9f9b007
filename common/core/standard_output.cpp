#include "common/core/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <streambuf>
#include <string>

namespace photoscribe {
namespace {

int lost = 0;  // errno of the first write that failed

ssize_t take(void* /*cookie*/, const char* bytes, std::size_t size) {
  write_standard_output({bytes, size});
  return static_cast<ssize_t>(size);  // what is lost is not offered again
}

/// std::cout over stdout, whatever stdout is by now.
class OverStdout : public std::streambuf {
 protected:
  int_type overflow(int_type c) override {
    return traits_type::eq_int_type(c, traits_type::eof()) ? traits_type::not_eof(c)
                                                           : std::fputc(c, stdout);
  }
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    return static_cast<std::streamsize>(
        std::fwrite(bytes, 1, static_cast<std::size_t>(size), stdout));
  }
  int sync() override { return std::fflush(stdout); }
};

void reserve_closed_numbers() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one.
    (void)::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

void open_standard_output() {
  reserve_closed_numbers();
  cookie_io_functions_t functions{};
  functions.write = take;
  std::FILE* const stream = ::fopencookie(nullptr, "w", functions);
  if (stream == nullptr) return;
  std::setvbuf(stream, nullptr, ::isatty(STDOUT_FILENO) != 0 ? _IOLBF : _IOFBF, 0);
  stdout = stream;
  static auto* const over_stdout = new OverStdout;  // std::cout is flushed once more at the exit
  std::cout.rdbuf(over_stdout);
}

bool write_standard_output(std::string_view text) {
  while (!text.empty() && lost == 0) {
    const ssize_t wrote = ::write(STDOUT_FILENO, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      lost = wrote < 0 ? errno : ENOSPC;
    } else {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }
  return lost == 0;
}

bool standard_output_lost() noexcept { return lost != 0; }

int close_standard_output(std::string_view program, int status) {
  constexpr int kUsage = 2, kEnvironment = 3, kKilled = 130;
  std::cout.flush();
  std::fflush(stdout);
  // Some file systems tell of a full disk here only.
  if (::close(STDOUT_FILENO) != 0 && lost == 0 && errno != EBADF) lost = errno;
  if (lost == 0 || lost == EPIPE) return status;
  const std::string why = lost == EBADF ? "is closed" : std::strerror(lost);
  const std::string line = std::string(program) + ": standard output: " + why + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  return status == kUsage || status == kKilled ? status : kEnvironment;
}

}  // namespace photoscribe
