// byte_reader: numbers at offsets of an untrusted buffer. Internal.
//
// Reading past the end gives 0, so a parser checks has() where 0 is not good enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace photoscribe::image {

enum class ByteOrder { little, big };

class ByteReader {
 public:
  ByteReader(std::span<const std::uint8_t> bytes, ByteOrder order) noexcept
      : bytes_(bytes), big_(order == ByteOrder::big) {}

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool has(std::size_t at, std::size_t count) const noexcept {
    return at <= bytes_.size() && count <= bytes_.size() - at;
  }
  [[nodiscard]] std::uint8_t u8(std::size_t at) const noexcept {
    return at < bytes_.size() ? bytes_[at] : std::uint8_t{0};
  }
  [[nodiscard]] std::uint16_t u16(std::size_t at) const noexcept {
    return static_cast<std::uint16_t>(number(at, 2));
  }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const noexcept {
    return static_cast<std::uint32_t>(number(at, 4));
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept { return number(at, 8); }
  [[nodiscard]] bool matches(std::size_t at, std::string_view text) const noexcept {
    return has(at, text.size()) && std::memcmp(bytes_.data() + at, text.data(), text.size()) == 0;
  }
  /// The bytes [at, at + count), cut where the buffer ends.
  [[nodiscard]] std::span<const std::uint8_t> part(std::size_t at,
                                                   std::size_t count) const noexcept {
    if (at >= bytes_.size()) return {};
    return bytes_.subspan(at, count < bytes_.size() - at ? count : bytes_.size() - at);
  }

 private:
  [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t count) const noexcept {
    if (!has(at, count)) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 | bytes_[big_ ? at + i : at + count - 1 - i];
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  bool big_;
};

/// A reader in the byte order that a TIFF header names; none when `bytes` do not start like one.
[[nodiscard]] inline std::optional<ByteReader> tiff_reader(
    std::span<const std::uint8_t> bytes) noexcept {
  const ByteReader little(bytes, ByteOrder::little);
  if (little.matches(0, "II")) return little;
  if (little.matches(0, "MM")) return ByteReader(bytes, ByteOrder::big);
  return std::nullopt;
}

}  // namespace photoscribe::image
