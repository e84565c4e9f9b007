#include "common/text/safe_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "common/text/human_numbers.h"

namespace photoscribe {
namespace {

constexpr char32_t kInvalid = 0xFFFFFFFF;

struct Piece {
  std::string_view bytes;
  char32_t code_point = kInvalid;  // kInvalid: one byte that is not UTF-8
};

bool is_continuation(std::string_view bytes, std::size_t at) {
  return at < bytes.size() && (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80;
}

/// The first character of `bytes`, which must not be empty.
Piece first_piece(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const Piece invalid{bytes.substr(0, 1), kInvalid};
  if (lead < 0x80) return {bytes.substr(0, 1), lead};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) return invalid;
  char32_t code_point = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(bytes, i)) return invalid;
    code_point = (code_point << 6) | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  if (overlong || code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    return invalid;
  }
  return {bytes.substr(0, size), code_point};
}

template <class Fn>
void for_each_piece(std::string_view bytes, Fn&& fn) {
  while (!bytes.empty()) {
    const Piece piece = first_piece(bytes);
    fn(piece);
    bytes.remove_prefix(piece.bytes.size());
  }
}

struct Range {
  char32_t first, last;
};

template <std::size_t N>
bool within(char32_t c, const std::array<Range, N>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& r) { return c >= r.first && c <= r.last; });
}

/// What would move the cursor, reorder the line or be invisible.
bool is_unsafe(char32_t c) {
  constexpr std::array<Range, 7> kUnsafe{{{0, 0x1F},
                                          {0x7F, 0x9F},
                                          {0x200B, 0x200F},
                                          {0x2028, 0x202E},
                                          {0x2060, 0x206F},
                                          {0xFEFF, 0xFEFF},
                                          {0xE0000, 0xE0FFF}}};
  return within(c, kUnsafe);
}

std::size_t width_of(char32_t c) {
  constexpr std::array<Range, 4> kNone{
      {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
  constexpr std::array<Range, 9> kWide{{{0x1100, 0x115F},
                                        {0x2E80, 0xA4CF},
                                        {0xAC00, 0xD7A3},
                                        {0xF900, 0xFAFF},
                                        {0xFE30, 0xFE6F},
                                        {0xFF00, 0xFF60},
                                        {0xFFE0, 0xFFE6},
                                        {0x1F300, 0x1FAFF},
                                        {0x20000, 0x3FFFD}}};
  if (within(c, kNone)) return 0;
  return within(c, kWide) ? 2 : 1;
}

std::string hex_escape(const char* format, unsigned value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

}  // namespace

std::string shown(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_piece(bytes, [&](const Piece& piece) {
    const char32_t c = piece.code_point;
    if (c == kInvalid) {
      out += hex_escape("\\x%02X", static_cast<unsigned char>(piece.bytes[0]));
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (is_unsafe(c)) {
      out += c < 0x80 ? hex_escape("\\x%02X", c) : hex_escape("\\u{%X}", c);
    } else {
      out += piece.bytes;
    }
  });
  return out;
}

std::string replaced(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for_each_piece(bytes, [&](const Piece& piece) {
    out += piece.code_point == kInvalid ? std::string_view("\xEF\xBF\xBD") : piece.bytes;
  });
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t total = 0;
  for_each_piece(text, [&](const Piece& p) {
    total += p.code_point == kInvalid ? 1 : width_of(p.code_point);
  });
  return total;
}

std::string cut_end(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  std::size_t used = 1;  // the dots
  bool full = false;
  for_each_piece(text, [&](const Piece& piece) {
    used += piece.code_point == kInvalid ? 1 : width_of(piece.code_point);
    full = full || used > width;
    if (!full) out += piece.bytes;
  });
  return out + "…";
}

std::string cut_start(std::string_view text, std::size_t width) {
  const std::size_t total = columns(text);
  if (total <= width) return std::string(text);
  if (width == 0) return {};
  std::string out = "…";
  std::size_t passed = 0;
  for_each_piece(text, [&](const Piece& piece) {
    const std::size_t wide = piece.code_point == kInvalid ? 1 : width_of(piece.code_point);
    if (total - passed <= width - 1) out += piece.bytes;
    passed += wide;
  });
  return out;
}

std::string shell_quoted(std::string_view word) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+,=:@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  const bool printable = shown(word) == word;
  std::string out = printable ? "'" : "$'";
  for_each_piece(word, [&](const Piece& piece) {
    const char c = piece.bytes[0];
    if (printable) {
      out += c == '\'' ? std::string("'\\''") : std::string(piece.bytes);
    } else if (c == '\'' || c == '\\') {
      out += std::string("\\") + c;
    } else if (piece.code_point == kInvalid || is_unsafe(piece.code_point)) {
      for (const char byte : piece.bytes) {
        out += hex_escape("\\x%02X", static_cast<unsigned char>(byte));
      }
    } else {
      out += piece.bytes;
    }
  });
  return out + "'";
}

std::string formats_text(const std::vector<std::pair<std::string, std::int64_t>>& formats) {
  std::string out;
  for (const auto& [format, count] : formats)
    out += (out.empty() ? " (" : ", ") + shown(format) + " " + grouped(count);
  return out.empty() ? out : out + ")";
}

}  // namespace photoscribe
