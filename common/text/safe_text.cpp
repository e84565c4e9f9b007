#include "common/text/safe_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "common/text/human_numbers.h"

namespace photoscribe {
namespace {

struct Range {
  char32_t first, last;
};

/// What would move the cursor, reorder the line or be invisible.
bool is_unsafe(char32_t c) {
  constexpr std::array<Range, 7> kUnsafe{{{0, 0x1F},
                                          {0x7F, 0x9F},
                                          {0x200B, 0x200F},
                                          {0x2028, 0x202E},
                                          {0x2060, 0x206F},
                                          {0xFEFF, 0xFEFF},
                                          {0xE0000, 0xE0FFF}}};
  return std::any_of(kUnsafe.begin(), kUnsafe.end(),
                     [c](const Range& r) { return c >= r.first && c <= r.last; });
}

}  // namespace

std::string shown(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(bytes, [&](const Character& one) {
    const char32_t c = one.code_point;
    if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (!one.is_utf8() || (c < 0x80 && is_unsafe(c))) {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}",
                     static_cast<unsigned char>(one.bytes.front()));
    } else if (is_unsafe(c)) {
      fmt::format_to(std::back_inserter(out), "\\u{{{:X}}}", static_cast<std::uint32_t>(c));
    } else {
      out += one.bytes;
    }
  });
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t total = 0;
  for_each_character(text, [&](const Character& one) { total += columns(one); });
  return total;
}

std::string cut_end(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  std::size_t used = 1;  // the dots
  bool full = false;
  for_each_character(text, [&](const Character& one) {
    used += columns(one);
    full = full || used > width;
    if (!full) out += one.bytes;
  });
  return out + "…";
}

std::string cut_start(std::string_view text, std::size_t width) {
  const std::size_t total = columns(text);
  if (total <= width) return std::string(text);
  if (width == 0) return {};
  std::string out = "…";
  std::size_t passed = 0;
  for_each_character(text, [&](const Character& one) {
    if (total - passed <= width - 1) out += one.bytes;
    passed += columns(one);
  });
  return out;
}

std::string formats_text(const std::vector<std::pair<std::string, std::int64_t>>& formats) {
  std::string out;
  for (const auto& [format, count] : formats)
    out += (out.empty() ? " (" : ", ") + shown(format) + " " + grouped(count);
  return out.empty() ? out : out + ")";
}

}  // namespace photoscribe
