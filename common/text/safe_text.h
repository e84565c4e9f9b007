// safe_text: file names and captions as text that may be shown, whatever their bytes are.
//
// A file name is raw bytes: it may hold escape sequences that would drive the terminal, or no UTF-8
// at all. Nothing here changes a name that is used to open a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/text/utf8.h"

namespace photoscribe {

/// For a terminal: control characters, bidirectional overrides and bytes that are not UTF-8 become
/// \n, \t, \xNN or \u{NNNN}. The rest stays as it is.
[[nodiscard]] std::string shown(std::string_view bytes);

/// Columns of a terminal that `text` (the result of shown()) takes.
[[nodiscard]] std::size_t columns(std::string_view text);

/// `text` cut to at most `width` columns, with "…" at its end (or its beginning) when cut.
[[nodiscard]] std::string cut_end(std::string_view text, std::size_t width);
[[nodiscard]] std::string cut_start(std::string_view text, std::size_t width);

/// {{"HEIC", 12}, {"TIFF", 1}} → " (HEIC 12, TIFF 1)"; nothing for none.
[[nodiscard]] std::string formats_text(
    const std::vector<std::pair<std::string, std::int64_t>>& formats);

}  // namespace photoscribe
