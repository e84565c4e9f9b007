// base64: bytes (less than 2 GiB) as text (RFC 4648, section 4, with padding).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace photoscribe {

[[nodiscard]] std::string base64(std::string_view bytes);

/// The bytes; none when `text` is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace photoscribe
