// list_text: bytes of lists as lines, fields and names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace photoscribe {

/// Text as UTF-8: what is not is taken for Windows-1252, as spreadsheets write it.
[[nodiscard]] std::string as_utf8(std::string_view bytes);

/// The fields of a record that is one line, a quote that never closes taken for a character.
[[nodiscard]] std::vector<std::string> split_plainly(std::string_view line, char delimiter);

/// Without the line end at its end.
[[nodiscard]] inline std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Without blanks and line ends around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Letters in lower case and digits alone: "File Name" is "filename".
[[nodiscard]] std::string simple(std::string_view name);

}  // namespace photoscribe
