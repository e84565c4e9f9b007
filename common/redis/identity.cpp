#include "common/redis/identity.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "common/core/random.h"

namespace photoscribe::redis {
namespace {

std::string hex(std::uint64_t value) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string new_incarnation() { return hex(random_u64()) + hex(random_u64()); }

bool is_incarnation(std::string_view text) noexcept {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string consumer_name_of(std::string_view prefix, std::int64_t pid) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  std::string name(prefix.substr(0, 64));
  if (!name.empty()) name += '-';
  name += std::string_view(host.data()).substr(0, 64);
  name += '-' + std::to_string(pid) + '-';
  for (char& c : name) {
    if (!is_plain(c)) c = '_';
  }
  return name;
}

std::string new_consumer_name(std::string_view prefix) {
  return consumer_name_of(prefix, getpid()) + hex(random_u64());
}

}  // namespace photoscribe::redis
