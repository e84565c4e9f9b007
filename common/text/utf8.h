// utf8: whether bytes are UTF-8. The one place that knows the rules of the encoding.
#pragma once

#include <cstddef>
#include <string_view>

namespace photoscribe {

/// Bytes of the well-formed sequence that `bytes` begins with (no surrogates, no overlong forms); 0
/// when there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view bytes) noexcept;

/// True when all of `bytes` is well-formed.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace photoscribe
