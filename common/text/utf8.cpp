#include "common/text/utf8.h"

#include <utf8proc.h>

#include <array>

namespace photoscribe {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

Character first_character(std::string_view bytes) noexcept {
  utf8proc_int32_t code_point = 0;
  const utf8proc_ssize_t size =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                       static_cast<utf8proc_ssize_t>(bytes.size()), &code_point);
  if (size <= 0) return {bytes.substr(0, 1), kNotUtf8};
  return {bytes.substr(0, static_cast<std::size_t>(size)), static_cast<char32_t>(code_point)};
}

bool is_valid_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const Character one = first_character(bytes);
    if (!one.is_utf8()) return false;
    bytes.remove_prefix(one.bytes.size());
  }
  return true;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto number = static_cast<utf8proc_int32_t>(code_point);
  std::array<utf8proc_uint8_t, 4> bytes{};
  if (!utf8proc_codepoint_valid(number)) {
    text += kReplacement;
    return;
  }
  const utf8proc_ssize_t size = utf8proc_encode_char(number, bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

std::string replaced(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(
      bytes, [&](const Character& one) { out += one.is_utf8() ? one.bytes : kReplacement; });
  return out;
}

std::size_t columns(const Character& one) noexcept {
  if (!one.is_utf8()) return 1;
  const int width = utf8proc_charwidth(static_cast<utf8proc_int32_t>(one.code_point));
  return width > 0 ? static_cast<std::size_t>(width) : 0;
}

}  // namespace photoscribe
