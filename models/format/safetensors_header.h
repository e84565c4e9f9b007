// safetensors_header: the JSON of a safetensors file, and no other JSON. Private to models/.
//
// Reads exactly the format's shape, without recursion, so that no header can make it deep or slow;
// what it says is checked by safetensors.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace photoscribe {

struct HeaderEntry {
  std::string name, type;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes after the header
};

struct SafetensorsHeader {
  std::vector<HeaderEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Throws std::runtime_error on anything else: other fields, duplicate names, negative or malformed
/// numbers, bytes after the object.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view json);

/// The header's JSON, padded with spaces to a multiple of eight bytes.
[[nodiscard]] std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace photoscribe
