#include "common/text/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/text/safe_text.h"
#include "common/text/utf8.h"

namespace photoscribe {
namespace {

/// What a character that means something to HTML is written as; empty: itself.
std::string_view entity(char32_t c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for_each_character(text, [&](const Character& one) {
    const std::string_view written = entity(one.code_point);
    out += !one.is_utf8() ? "\uFFFD" : !written.empty() ? written : one.bytes;
  });
  return out;
}

std::string csv_field(std::string_view text, std::string_view special) {
  if (text.find_first_of(special) == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string percent_escaped(std::string_view bytes, std::string_view also) {
  std::string out;
  out.reserve(bytes.size());
  for_each_character(bytes, [&](const Character& one) {
    const char first = one.bytes.front();  // NUL would end the text for many readers
    const bool plain = one.is_utf8() && first != '\0' && also.find(first) == std::string_view::npos;
    if (plain) {
      out += one.bytes;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(first));
    }
  });
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view bytes, bool keep_slashes) {
  std::string out;
  for (const char c : bytes) {
    if (is_unreserved(c) || (c == '/' && keep_slashes)) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string log_value(std::string_view value) {
  std::string out = "\"";
  for_each_character(value, [&](const Character& one) {
    const char32_t c = one.code_point;
    if (c == '\n') {
      out += "\\n";
    } else if (!one.is_utf8() || c < 0x20 || c == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}",
                     static_cast<unsigned char>(one.bytes.front()));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += one.bytes;
    }
  });
  return out + '"';
}

std::string shell_quoted(std::string_view word) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+,=:@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  const bool printable = shown(word) == word;
  std::string out = printable ? "'" : "$'";
  for_each_character(word, [&](const Character& one) {
    const char32_t c = one.code_point;
    if (printable) {
      out += c == '\'' ? "'\\''" : one.bytes;
    } else if (c == '\'' || c == '\\') {
      out += '\\';
      out += one.bytes;
    } else if (shown(one.bytes) != one.bytes) {
      for (const char byte : one.bytes)
        fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(byte));
    } else {
      out += one.bytes;
    }
  });
  return out + "'";
}

}  // namespace photoscribe
