// fnv1a: a hash that names what something was made of. Anybody can find two texts with the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace photoscribe {

/// 64-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv); `hash`: that of the bytes before.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view bytes,
                                            std::uint64_t hash = 0xcbf29ce484222325U) noexcept {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return hash;
}

class Fnv1a {
 public:
  void add(const void* data, std::size_t size) {
    hash_ = fnv1a({static_cast<const char*>(data), size}, hash_);
  }
  /// With the zero behind it, so that two texts are not one.
  void add(const std::string& text) { add(text.c_str(), text.size() + 1); }
  [[nodiscard]] std::string text() const { return std::to_string(hash_); }

 private:
  std::uint64_t hash_ = fnv1a({});
};

}  // namespace photoscribe
