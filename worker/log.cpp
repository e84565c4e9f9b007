#include "worker/log.h"

#include <cstdint>
#include <cstdio>

namespace photoscribe {
namespace {

/// Length of the valid UTF-8 sequence that `bytes` begins with; 0 when it is none.
std::size_t sequence_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || bytes.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const std::uint8_t second = at(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool past_end = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || past_end ? 0 : length;
}

}  // namespace

std::string log_value(std::string_view value) {
  std::string text = "\"";
  const auto escape = [&text](char byte) {
    char code[5];
    std::snprintf(code, sizeof code, "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(byte)));
    text += code;
  };
  while (!value.empty()) {
    const std::size_t length = sequence_length(value);
    const char first = value.front();
    if (length == 0) {
      escape(first);
    } else if (first == '"' || first == '\\') {
      text += '\\';
      text += first;
    } else if (first == '\n') {
      text += "\\n";
    } else if (static_cast<unsigned char>(first) < 0x20 || first == 0x7f) {
      escape(first);
    } else {
      text.append(value.substr(0, length));
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  return text + '"';
}

std::string as_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    text.append(length == 0 ? "\xef\xbf\xbd" : bytes.substr(0, length));
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace photoscribe
