// safe_text: file names and captions as text that may be shown or put into JSON, whatever their
// bytes are.
//
// A file name is raw bytes: it may hold escape sequences that would drive the terminal, or no UTF-8
// at all. Nothing here changes a name that is used to open a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace photoscribe {

/// For a terminal: control characters, bidirectional overrides and bytes that are not UTF-8 become
/// \n, \t, \xNN or \u{NNNN}. The rest stays as it is.
[[nodiscard]] std::string shown(std::string_view bytes);

/// For JSON and CSV: each byte that is not UTF-8 becomes U+FFFD. Control characters stay.
[[nodiscard]] std::string replaced(std::string_view bytes);

/// Columns of a terminal that `text` (the result of shown()) takes; wide East Asian characters and
/// emoji take two, combining marks none.
[[nodiscard]] std::size_t columns(std::string_view text);

/// `text` cut to at most `width` columns, with "…" at its end (or its beginning) when cut.
[[nodiscard]] std::string cut_end(std::string_view text, std::size_t width);
[[nodiscard]] std::string cut_start(std::string_view text, std::size_t width);

/// A word that a POSIX shell (bash, when there are control characters) reads back as `word`.
[[nodiscard]] std::string shell_quoted(std::string_view word);

/// {{"HEIC", 12}, {"TIFF", 1}} → " (HEIC 12, TIFF 1)"; nothing for none.
[[nodiscard]] std::string formats_text(
    const std::vector<std::pair<std::string, std::int64_t>>& formats);

}  // namespace photoscribe
