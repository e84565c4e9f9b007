#include "common/image/tiff_pieces.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

tl::unexpected<DecodeFailure> cut(const std::string& detail) {
  return refuse(Reason::truncated, "TIFF: " + detail);
}

std::uint32_t piece_count(TIFF* file) {
  return TIFFIsTiled(file) != 0 ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file);
}

struct Free {
  void operator()(libdeflate_decompressor* inflater) const noexcept {
    libdeflate_free_decompressor(inflater);
  }
};
using Inflater = std::unique_ptr<libdeflate_decompressor, Free>;

}  // namespace

Decoded<void> clamp_tiff_pieces(TIFF* file, std::span<const std::uint8_t> bytes) {
  const bool tiled = TIFFIsTiled(file) != 0;
  const std::uint64_t *offsets = nullptr, *counts = nullptr;
  if (TIFFGetField(file, tiled ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS, &offsets) != 1 ||
      TIFFGetField(file, tiled ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS, &counts) != 1 ||
      offsets == nullptr || counts == nullptr)
    return cut("no picture in its first page");
  for (std::uint32_t i = 0; i < piece_count(file); ++i) {
    if (offsets[i] >= bytes.size())
      return cut("the data end before strip or tile " + std::to_string(i));
    const std::uint64_t there = bytes.size() - offsets[i];
    if (counts[i] > there) const_cast<std::uint64_t*>(counts)[i] = there;
  }
  return {};
}

Decoded<void> check_tiff_pieces(TIFF* file, std::span<const std::uint8_t> bytes) {
  std::uint16_t compression = COMPRESSION_NONE, order = FILLORDER_MSB2LSB;
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(file, TIFFTAG_FILLORDER, &order);
  const bool deflate =
      (compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE) &&
      order == FILLORDER_MSB2LSB;
  const bool unaware = compression == COMPRESSION_ZSTD || compression == COMPRESSION_WEBP;
  const Inflater inflater(deflate ? libdeflate_alloc_decompressor() : nullptr);
  if (deflate && !inflater) throw std::bad_alloc();
  const auto piece_bytes =
      static_cast<std::size_t>(TIFFIsTiled(file) != 0 ? TIFFTileSize(file) : TIFFStripSize(file));
  std::vector<std::uint8_t> scratch(deflate ? piece_bytes : 0);
  for (std::uint32_t i = 0; (deflate || unaware) && i < piece_count(file); ++i) {
    const auto rest =
        bytes.subspan(std::min<std::uint64_t>(TIFFGetStrileOffset(file, i), bytes.size()));
    const auto piece =
        rest.first(std::min<std::uint64_t>(TIFFGetStrileByteCount(file, i), rest.size()));
    if (unaware && ends_in_zeros(piece))
      return cut("the data of strip or tile " + std::to_string(i) + " end in zeros");
    if (!deflate) continue;
    // libtiff does not insist on the checksum behind the last pixel.
    std::size_t inflated = 0;
    const auto result = libdeflate_zlib_decompress(inflater.get(), piece.data(), piece.size(),
                                                   scratch.data(), scratch.size(), &inflated);
    if (result != LIBDEFLATE_SUCCESS)
      return cut("wrong checksum of strip or tile " + std::to_string(i));
  }
  return {};
}

}  // namespace photoscribe::image
