// utf8: bytes as characters and back, by utf8proc. The one place that knows the encoding.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

struct Character {
  std::string_view bytes;  // kNotUtf8: one byte that begins no well-formed sequence
  char32_t code_point = kNotUtf8;
  [[nodiscard]] bool is_utf8() const noexcept { return code_point != kNotUtf8; }
};

/// What `bytes`, which may not be empty, begins with. No surrogates, no overlong forms.
[[nodiscard]] Character first_character(std::string_view bytes) noexcept;

template <class Fn>
void for_each_character(std::string_view bytes, Fn&& fn) {
  while (!bytes.empty()) {
    const Character one = first_character(bytes);
    fn(one);
    bytes.remove_prefix(one.bytes.size());
  }
}

/// True when all of `bytes` is well-formed.
[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

/// U+FFFD for what is no code point.
void append_utf8(std::string& text, char32_t code_point);

/// Each byte that is not UTF-8 becomes U+FFFD: for JSON and CSV. Control characters stay.
[[nodiscard]] std::string replaced(std::string_view bytes);

/// Columns of a terminal: two for wide East Asian characters and emoji, none for combining marks,
/// one for what is not UTF-8.
[[nodiscard]] std::size_t columns(const Character& one) noexcept;

}  // namespace photoscribe
