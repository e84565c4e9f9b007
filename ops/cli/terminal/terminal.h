// terminal: whether a stream is a terminal, how wide it is, and whether to use colours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace photoscribe::cli {

/// True for a terminal that understands escape sequences (TERM is not "dumb").
[[nodiscard]] bool is_terminal(int descriptor);

/// The current width; 80 if unknown.
[[nodiscard]] std::size_t terminal_columns(int descriptor);

/// Styles text for one stream; leaves it plain if that is not a terminal or NO_COLOR is set.
class Ink {
 public:
  explicit Ink(bool enabled) : enabled_(enabled) {}
  static Ink of(int descriptor);
  [[nodiscard]] std::string bold(std::string_view text) const { return with("\x1b[1m", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return with("\x1b[2m", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return with("\x1b[32m", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return with("\x1b[33m", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return with("\x1b[31m", text); }

 private:
  [[nodiscard]] std::string with(const char* code, std::string_view text) const;
  bool enabled_;
};

/// Writes all of `text`. False on failure (disk full, reader gone); for standard output that is
/// remembered and reported once at the end (standard_output.h).
bool write_all(int descriptor, std::string_view text);

}  // namespace photoscribe::cli
