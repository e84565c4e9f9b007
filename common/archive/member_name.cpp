#include "common/archive/member_name.h"

#include <algorithm>

namespace photoscribe {
namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Whether `matches` is true of a part of `name` between two of `separators`.
template <class Matches>
bool has_part(std::string_view name, std::string_view separators, Matches matches) {
  for (;;) {
    const auto end = name.find_first_of(separators);
    if (matches(name.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view plain_name(std::string_view name) noexcept {
  while (name.starts_with("./")) {
    name.remove_prefix(2);
    while (name.starts_with('/')) name.remove_prefix(1);  // ".//a" is "./a"
  }
  return name;
}

bool is_unsafe_name(std::string_view name) noexcept {
  if (name.empty() || name.find('\0') != std::string_view::npos) return true;
  if (name.front() == '/' || name.front() == '\\') return true;
  if (name.size() > 2 && is_letter(name[0]) && name[1] == ':' &&
      (name[2] == '/' || name[2] == '\\'))
    return true;
  return has_part(name, "/\\", [](std::string_view part) { return part == ".."; });
}

bool is_hidden_name(std::string_view name) noexcept {
  return has_part(name, "/", [](std::string_view part) {
    return (part.size() > 1 && part.front() == '.' && part != "..") || part == "@eaDir" ||
           part == "__MACOSX";
  });
}

std::string_view without_number(std::string_view wanted) noexcept {
  const auto mark = wanted.rfind('#');
  if (mark == std::string_view::npos || mark + 1 == wanted.size()) return wanted;
  const std::string_view number = wanted.substr(mark + 1);
  const bool digits =
      std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? wanted.substr(0, mark) : wanted;
}

bool is_member_named(std::string_view wanted, std::string_view name) noexcept {
  const std::string_view plain = plain_name(name);
  return wanted == plain || without_number(wanted) == plain;
}

}  // namespace photoscribe
