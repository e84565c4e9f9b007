// entry_id: the id of a stream entry, as two numbers that can be compared.
//
// Ids order the entries of one stream of one incarnation; they are not times to be trusted (a
// server's clock may be wrong) and, after a rewind, not unique.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace photoscribe::redis {

struct EntryId {
  std::uint64_t ms = 0;  // the server's wall clock, roughly
  std::uint64_t seq = 0;
  auto operator<=>(const EntryId&) const = default;
};

/// "1700000000000-0"
[[nodiscard]] std::string to_string(EntryId id);
/// Takes exactly what to_string writes; nothing else parses.
[[nodiscard]] std::optional<EntryId> parse_entry_id(std::string_view text) noexcept;

}  // namespace photoscribe::redis

template <>
struct std::hash<photoscribe::redis::EntryId> {
  std::size_t operator()(const photoscribe::redis::EntryId& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.ms * 0x9e3779b97f4a7c15ULL ^ id.seq);
  }
};
