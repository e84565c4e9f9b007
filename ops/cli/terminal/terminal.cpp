#include "ops/cli/terminal/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/core/standard_output.h"

namespace photoscribe::cli {

bool is_terminal(int descriptor) {
  const char* const term = std::getenv("TERM");
  return isatty(descriptor) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

std::size_t terminal_columns(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

Ink Ink::of(int descriptor) {
  const char* const no_colour = std::getenv("NO_COLOR");
  return Ink(is_terminal(descriptor) && (no_colour == nullptr || *no_colour == '\0'));
}

std::string Ink::with(const char* code, std::string_view text) const {
  if (!enabled_) return std::string(text);
  return code + std::string(text) + "\x1b[0m";
}

bool write_all(int descriptor, std::string_view text) {
  if (descriptor == STDOUT_FILENO) return write_standard_output(text);
  while (!text.empty()) {
    const ssize_t wrote = write(descriptor, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace photoscribe::cli
