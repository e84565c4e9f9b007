#include "models/train/import/pickle_text.h"

#include <charconv>
#include <cstdint>
#include <stdexcept>

#include "common/text/utf8.h"

namespace photoscribe {
namespace {

/// Whether `digits` begins with `count` hexadecimal digits; their value.
bool hexadecimal(std::string_view digits, std::size_t count, std::uint32_t& value) {
  if (digits.size() < count) return false;
  const char* const end = digits.data() + count;
  const auto [stopped, failed] = std::from_chars(digits.data(), end, value, 16);
  return failed == std::errc{} && stopped == end;
}

char plain_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    default:
      return letter;  // a quote, a backslash
  }
}

}  // namespace

std::string text_of_literal(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back() ||
      (literal.front() != '\'' && literal.front() != '"'))
    throw std::runtime_error("not a pickle that can be read: a text without quotes");
  literal = literal.substr(1, literal.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    std::uint32_t byte = 0;
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i];
    } else if (literal[++i] == 'x' && hexadecimal(literal.substr(i + 1), 2, byte)) {
      text += static_cast<char>(byte);
      i += 2;
    } else {
      text += plain_escape(literal[i]);
    }
  }
  return text;
}

std::string text_of_escapes(std::string_view escaped) {
  std::string text;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const char kind = escaped[i] == '\\' && i + 1 < escaped.size() ? escaped[i + 1] : '\0';
    const std::size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    std::uint32_t point = 0;
    if (digits > 0 && hexadecimal(escaped.substr(i + 2), digits, point)) {
      append_utf8(text, point);
      i += 1 + digits;
    } else {
      append_utf8(text, static_cast<unsigned char>(escaped[i]));
    }
  }
  return text;
}

std::string utf8_of_latin1(std::string_view text) {
  std::string made;
  for (const char c : text) append_utf8(made, static_cast<unsigned char>(c));
  return made;
}

}  // namespace photoscribe
