// sha256: what a file's bytes are known by (FIPS 180-4; OpenSSL computes it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace photoscribe {

/// SHA-256 of a file's bytes: two photos that have one are equal to the byte.
using ContentHash = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void add(const void* data, std::size_t size);
  /// Of everything added. Call once.
  [[nodiscard]] ContentHash digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

[[nodiscard]] ContentHash sha256_of(const void* data, std::size_t size);
/// The 32 bytes of a hash that outlives the view.
[[nodiscard]] std::string_view bytes_of(const ContentHash& hash) noexcept;
/// 64 lower-case hex digits.
[[nodiscard]] std::string to_hex(const ContentHash& hash);

}  // namespace photoscribe
