#include "common/image/tiff_pieces.h"

#include <zlib.h>

#include <algorithm>
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

// How inflating all of it ends: Z_STREAM_END when the checksum is there and right.
int inflate_all(std::span<const std::uint8_t> stream, std::vector<std::uint8_t>& scratch) {
  z_stream zlib{};
  if (inflateInit(&zlib) != Z_OK) throw std::bad_alloc();
  zlib.next_in = const_cast<Bytef*>(stream.data());
  zlib.avail_in = static_cast<uInt>(std::min<std::size_t>(stream.size(), 0xFFFFFFFFU));
  int status = Z_OK;
  while (status == Z_OK) {
    zlib.next_out = scratch.data();
    zlib.avail_out = static_cast<uInt>(scratch.size());
    status = inflate(&zlib, Z_NO_FLUSH);
  }
  inflateEnd(&zlib);
  return status;
}

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
  const bool dense = deflate || compression == COMPRESSION_LZW || compression == COMPRESSION_LZMA ||
                     compression == COMPRESSION_ZSTD || compression == COMPRESSION_WEBP ||
                     compression == COMPRESSION_JPEG;
  std::vector<std::uint8_t> scratch(deflate ? 1 << 16 : 0);
  for (std::uint32_t i = 0; dense && i < piece_count(file); ++i) {
    const auto rest =
        bytes.subspan(std::min<std::uint64_t>(TIFFGetStrileOffset(file, i), bytes.size()));
    const auto piece =
        rest.first(std::min<std::uint64_t>(TIFFGetStrileByteCount(file, i), rest.size()));
    if (ends_in_zeros(piece))
      return cut("the data of strip or tile " + std::to_string(i) + " end in zeros");
    if (!deflate) continue;
    // libtiff does not look at the checksum behind the last pixel.
    if (inflate_all(piece, scratch) != Z_STREAM_END)
      return cut("wrong checksum of strip or tile " + std::to_string(i));
  }
  return {};
}

}  // namespace photoscribe::image
