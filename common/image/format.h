// format: what a file is, by its first bytes and nothing else. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace photoscribe::image {

enum class Format {
  jpeg,
  png,
  webp,
  tiff,
  bmp,
  gif,
  heif,     // HEIC, HEIF, AVIF
  raw,      // a camera's, shown by the JPEG in it
  known,    // an image, but of a kind that is not decoded here
  unknown,  // no image that we know
};

struct Sniffed {
  Format format = Format::unknown;
  std::string_view name;  // "JPEG", "HEIC", "Canon CR2 (RAW)" …; empty when unknown
};

/// A file's extension is ignored: a JPEG named .png is a JPEG. A RAW file that is a TIFF
/// inside is recognised by its maker's tags.
[[nodiscard]] Sniffed sniff(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace photoscribe::image
