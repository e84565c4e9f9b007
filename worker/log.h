// log: values for log lines of the form `level msg="..." key=value`.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

/// The value in double quotes: control characters, quotes and bytes that are not UTF-8 escaped, so
/// that a file's name can neither break a line nor forge one.
[[nodiscard]] std::string log_value(std::string_view value);

/// The value with each byte that is not part of valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string as_utf8(std::string_view bytes);

}  // namespace photoscribe
