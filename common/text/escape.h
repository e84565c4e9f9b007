// escape: bytes as text inside something else, out of which they cannot break: HTML, CSV, a URI, a
// log line, a shell's command line. The terminal's is in safe_text.h; JSON is nlohmann's.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

/// Between tags of HTML, or in a quoted attribute. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string html_escaped(std::string_view text);

/// `text` in double quotes when it holds one of `special`, a quote in it twice; else as it is.
[[nodiscard]] std::string csv_field(std::string_view text, std::string_view special);

/// Bytes that are not UTF-8, NUL and each byte of `also` become %XX.
[[nodiscard]] std::string percent_escaped(std::string_view bytes, std::string_view also = {});

/// Letters, digits and `-._~`: what means itself in any part of a URI (RFC 3986, 2.3).
[[nodiscard]] bool is_unreserved(char c);

/// Every byte that is not unreserved (nor `/` if `keep_slashes`) as %XX: what a signature of S3 is
/// made of.
[[nodiscard]] std::string percent_encoded(std::string_view bytes, bool keep_slashes);

/// In double quotes: control characters, quotes and bytes that are not UTF-8 escaped, so that a
/// file's name can neither break a log line nor forge one.
[[nodiscard]] std::string log_value(std::string_view value);

/// A word that a POSIX shell (bash, when there are control characters) reads back as `word`.
[[nodiscard]] std::string shell_quoted(std::string_view word);

}  // namespace photoscribe
