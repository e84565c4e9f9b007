// TIFF through libtiff, for its compressions.
#include <tiffio.h>

#include <algorithm>
#include <cstring>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

struct Memory {
  Bytes bytes;
  std::size_t at = 0;
};
Memory& of(thandle_t handle) { return *static_cast<Memory*>(handle); }

tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
  Memory& memory = of(handle);
  const std::size_t size = std::min(static_cast<std::size_t>(count),
                                    memory.bytes.size() - std::min(memory.at, memory.bytes.size()));
  if (size > 0) std::memcpy(to, memory.bytes.data() + memory.at, size);
  memory.at += size;
  return static_cast<tmsize_t>(size);
}
tmsize_t write(thandle_t handle, void* from, tmsize_t count) {
  Memory& memory = of(handle);
  const auto size = static_cast<std::size_t>(count);
  memory.bytes.resize(std::max(memory.bytes.size(), memory.at + size));
  std::memcpy(memory.bytes.data() + memory.at, from, size);
  memory.at += size;
  return count;
}
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Memory& memory = of(handle);
  memory.at = offset + (whence == SEEK_CUR   ? memory.at
                        : whence == SEEK_END ? memory.bytes.size()
                                             : 0);
  return memory.at;
}
int leave_open(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return of(handle).bytes.size(); }
int silent(TIFF*, void*, const char*, const char*, va_list) { return 1; }

unsigned sample(const DecodedImage& rgb, int samples, int x, int y, int channel) {
  if (x >= rgb.width_px || y >= rgb.height_px) return 0;  // of a tile that reaches over the edge
  const std::uint8_t* pixel =
      rgb.pixels.data() + (static_cast<std::size_t>(y) * static_cast<std::size_t>(rgb.width_px) +
                           static_cast<std::size_t>(x)) *
                              3;
  if (samples == 1) return (pixel[0] * 2U + pixel[1] * 5U + pixel[2]) / 8;
  if (samples == 4) return channel == 3 ? 0U : 255U - pixel[channel];  // ink, no black
  return channel < 3 ? pixel[channel] : 255U;
}

Bytes piece(const DecodedImage& rgb, const CompressedTiffOptions& options, int left, int top,
            int width, int height) {
  Bytes out;
  for (int y = top; y < top + height; ++y) {
    unsigned held = 0, bits = 0;
    for (int x = left; x < left + width; ++x)
      for (int channel = 0; channel < options.samples; ++channel) {
        const unsigned value = sample(rgb, options.samples, x, y, channel);
        if (options.bits == 16) {  // of this machine's byte order
          out.insert(out.end(), 2, static_cast<std::uint8_t>(value));
          continue;
        }
        const auto width_bits = static_cast<unsigned>(options.bits);
        held = held << width_bits | value >> (8 - width_bits);
        bits += width_bits;
        if (bits == 8) out.push_back(static_cast<std::uint8_t>(held));
        bits %= 8;
      }
    if (bits > 0) out.push_back(static_cast<std::uint8_t>(held << (8 - bits)));
  }
  return out;
}

struct Entry {
  std::size_t value = 0;  // offset of the last value
  int bytes = 0;
};
Entry entry_of(const Bytes& tiff, std::uint16_t tag) {
  const auto number = [&](std::size_t at, int bytes) {
    std::size_t value = 0;
    for (int i = 0; i < bytes; ++i)
      value |= std::size_t{tiff.at(at + static_cast<std::size_t>(i))} << 8 * i;
    return value;
  };
  const std::size_t directory = number(4, 4);
  for (std::size_t i = 0; i < number(directory, 2); ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (number(entry, 2) != tag) continue;
    const int bytes = number(entry + 2, 2) == 3 ? 2 : 4;
    const std::size_t count = number(entry + 4, 4), size = count * static_cast<std::size_t>(bytes);
    const std::size_t values = size <= 4 ? entry + 8 : number(entry + 8, 4);
    return {values + size - static_cast<std::size_t>(bytes), bytes};
  }
  return {};
}

}  // namespace

std::uint32_t last_value(const Bytes& tiff, std::uint16_t tag) {
  const Entry entry = entry_of(tiff, tag);
  std::uint32_t value = 0;
  for (int i = 0; i < entry.bytes; ++i)
    value |= std::uint32_t{tiff[entry.value + static_cast<std::size_t>(i)]} << 8 * i;
  return value;
}

void set_last_value(Bytes& tiff, std::uint16_t tag, std::uint32_t value) {
  const Entry entry = entry_of(tiff, tag);
  for (int i = 0; i < entry.bytes; ++i)
    tiff[entry.value + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value >> 8 * i);
}

Bytes encode_tiff_by_libtiff(const DecodedImage& rgb, const CompressedTiffOptions& options) {
  constexpr int kTile = 64, kRows = 16;
  const auto compression = static_cast<std::uint16_t>(options.compression);
  if (TIFFIsCODECConfigured(compression) == 0) return {};
  Memory memory;
  TIFFOpenOptions* quiet = TIFFOpenOptionsAlloc();
  TIFFOpenOptionsSetErrorHandlerExtR(quiet, silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(quiet, silent, nullptr);
  TIFF* file = TIFFClientOpenExt("made", "wl", &memory, read, write, seek, leave_open, size_of,
                                 nullptr, nullptr, quiet);
  TIFFOpenOptionsFree(quiet);
  const bool jpeg = options.compression == TiffCompression::jpeg;
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, rgb.width_px);
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, rgb.height_px);
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, options.bits);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, options.samples);
  TIFFSetField(file, TIFFTAG_COMPRESSION, compression);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC,
               options.samples == 1   ? PHOTOMETRIC_MINISBLACK
               : options.samples == 4 ? PHOTOMETRIC_SEPARATED
               : jpeg                 ? PHOTOMETRIC_YCBCR
                                      : PHOTOMETRIC_RGB);
  if (jpeg) TIFFSetField(file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  if (options.tiled) {
    TIFFSetField(file, TIFFTAG_TILEWIDTH, kTile);
    TIFFSetField(file, TIFFTAG_TILELENGTH, kTile);
  } else {
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, kRows);
  }
  const int width = options.tiled ? kTile : rgb.width_px, step = options.tiled ? kTile : kRows;
  std::uint32_t index = 0;
  bool written = true;
  for (int top = 0; top < rgb.height_px; top += step)
    for (int left = 0; left < rgb.width_px; left += width, ++index) {
      const int height = options.tiled ? kTile : std::min(kRows, rgb.height_px - top);
      Bytes raw = piece(rgb, options, left, top, width, height);
      const auto size = static_cast<tmsize_t>(raw.size());
      written &= (options.tiled ? TIFFWriteEncodedTile(file, index, raw.data(), size)
                                : TIFFWriteEncodedStrip(file, index, raw.data(), size)) >= 0;
    }
  TIFFClose(file);
  if (!written) return {};
  if (options.share_of_last_piece < 1) {
    const std::uint16_t counts = options.tiled ? 325 : 279;
    set_last_value(
        memory.bytes, counts,
        static_cast<std::uint32_t>(last_value(memory.bytes, counts) * options.share_of_last_piece));
  }
  return memory.bytes;
}

}  // namespace photoscribe::testing
