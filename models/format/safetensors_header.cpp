#include "models/format/safetensors_header.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <set>
#include <stdexcept>

namespace photoscribe {
namespace {

constexpr std::size_t kAxesMax = 8;

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::array<std::uint32_t, 4> kLead{0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kLead[static_cast<std::size_t>(more)] | (code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
}

class Reader {
 public:
  explicit Reader(std::string_view json) : json_(json) {}

  [[noreturn]] void bad(const std::string& what) const {
    throw std::runtime_error("its header " + what + " (byte " + std::to_string(at_) + ")");
  }
  /// The next byte that is not white space; 0 at the end.
  char peek() {
    while (at_ < json_.size() &&
           std::string_view(" \t\r\n").find(json_[at_]) != std::string_view::npos)
      ++at_;
    return at_ < json_.size() ? json_[at_] : '\0';
  }
  void expect(char c) {
    if (peek() != c) bad(std::string("lacks '") + c + "'");
    ++at_;
  }
  /// Whether another item follows in a list that `close` ends; takes the comma or the end.
  bool more(char close, bool first) {
    if (peek() == close) {
      ++at_;
      return false;
    }
    if (!first) expect(',');
    return true;
  }
  void expect_end() {
    if (peek() != '\0' || at_ < json_.size()) bad("continues after its object");
  }

  std::string string() {
    expect('"');
    std::string text;
    for (;;) {
      if (at_ >= json_.size()) bad("ends within a string");
      const char c = json_[at_++];
      if (c == '"') return text;
      if (static_cast<unsigned char>(c) < 0x20) bad("has a control character in a string");
      if (c == '\\') {
        escape(text);
      } else {
        text += c;
      }
    }
  }

  std::uint64_t number() {
    peek();
    std::uint64_t value = 0;
    const char* const from = json_.data() + at_;
    const auto [end, error] = std::from_chars(from, json_.data() + json_.size(), value);
    const bool broken = end != json_.data() + json_.size() &&
                        std::string_view(".eE+-").find(*end) != std::string_view::npos;
    if (error != std::errc{} || broken) bad("has something that is not a whole number");
    at_ += static_cast<std::size_t>(end - from);
    return value;
  }

 private:
  std::uint32_t hex4() {
    std::uint32_t code = 0;
    if (at_ + 4 > json_.size()) bad("ends within a string");
    const char* const from = json_.data() + at_;
    const auto [end, error] = std::from_chars(from, from + 4, code, 16);
    if (error != std::errc{} || end != from + 4) bad("has a broken \\u in a string");
    at_ += 4;
    return code;
  }

  void escape(std::string& text) {
    if (at_ >= json_.size()) bad("ends within a string");
    const char c = json_[at_++];
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const auto found = kFrom.find(c); found != std::string_view::npos) {
      text += kTo[found];
      return;
    }
    if (c != 'u') bad("has an unknown escape in a string");
    std::uint32_t code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {
      if (json_.substr(at_, 2) != "\\u") bad("has half a character in a string");
      at_ += 2;
      const std::uint32_t low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) bad("has half a character in a string");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      bad("has half a character in a string");
    }
    append_utf8(text, code);
  }

  std::string_view json_;
  std::size_t at_ = 0;
};

HeaderEntry read_entry(Reader& in, const std::string& name) {
  HeaderEntry entry;
  entry.name = name;
  std::set<std::string> seen;
  in.expect('{');
  for (bool first = true; in.more('}', first); first = false) {
    const std::string field = in.string();
    if (!seen.insert(field).second) in.bad("has the field " + field + " twice in '" + name + "'");
    in.expect(':');
    if (field == "dtype") {
      entry.type = in.string();
    } else if (field == "shape") {
      in.expect('[');
      for (bool one = true; in.more(']', one); one = false) {
        entry.shape.push_back(in.number());
        if (entry.shape.size() > kAxesMax) in.bad("gives '" + name + "' more than 8 axes");
      }
    } else if (field == "data_offsets") {
      in.expect('[');
      entry.begin = in.number();
      in.expect(',');
      entry.end = in.number();
      in.expect(']');
    } else {
      in.bad("has the unknown field " + field + " in '" + name + "'");
    }
  }
  if (seen.size() != 3) in.bad("lacks dtype, shape or data_offsets of '" + name + "'");
  return entry;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json) {
  Reader in(json);
  SafetensorsHeader header;
  std::set<std::string> seen;
  in.expect('{');
  for (bool first = true; in.more('}', first); first = false) {
    const std::string name = in.string();
    if (!seen.insert(name).second) in.bad("names '" + name + "' twice");
    in.expect(':');
    if (name != "__metadata__") {
      header.entries.push_back(read_entry(in, name));
      continue;
    }
    in.expect('{');
    for (bool one = true; in.more('}', one); one = false) {
      const std::string key = in.string();
      in.expect(':');
      if (!header.metadata.emplace(key, in.string()).second)
        in.bad("has '" + key + "' twice in its metadata");
    }
  }
  in.expect_end();
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  std::string json = "{";
  const auto comma = [&json] {
    if (json.back() != '{' && json.back() != '[') json += ',';
  };
  if (!header.metadata.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : header.metadata) {
      comma();
      json += quoted(key) + ':' + quoted(value);
    }
    json += '}';
  }
  for (const HeaderEntry& entry : header.entries) {
    comma();
    json += quoted(entry.name) + ":{\"dtype\":" + quoted(entry.type) + ",\"shape\":[";
    for (const std::uint64_t extent : entry.shape) {
      comma();
      json += std::to_string(extent);
    }
    json += "],\"data_offsets\":[" + std::to_string(entry.begin) + ',' + std::to_string(entry.end) +
            "]}";
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');  // data start at a multiple of eight
  return json;
}

}  // namespace photoscribe
