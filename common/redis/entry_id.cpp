#include "common/redis/entry_id.h"

#include <charconv>

namespace photoscribe::redis {
namespace {

/// Whole text, decimal digits, no leading zeros but for "0".
std::optional<std::uint64_t> parse_part(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::string to_string(EntryId id) { return std::to_string(id.ms) + '-' + std::to_string(id.seq); }

std::optional<EntryId> parse_entry_id(std::string_view text) noexcept {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto ms = parse_part(text.substr(0, dash));
  const auto seq = parse_part(text.substr(dash + 1));
  if (!ms || !seq) return std::nullopt;
  return EntryId{*ms, *seq};
}

}  // namespace photoscribe::redis
