#include "common/image/gif_reader.h"

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "common/image/byte_reader.h"

namespace photoscribe::image {
namespace {

struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
};

int read_source(GifFileType* file, GifByteType* to, int count) {
  auto& source = *static_cast<Source*>(file->UserData);
  const std::size_t size =
      std::min(static_cast<std::size_t>(count), source.bytes.size() - source.at);
  std::memcpy(to, source.bytes.data() + source.at, size);
  source.at += size;
  return static_cast<int>(size);
}

struct Close {
  void operator()(GifFileType* file) const noexcept { DGifCloseFile(file, nullptr); }
};
using File = std::unique_ptr<GifFileType, Close>;

tl::unexpected<DecodeFailure> damaged(int error) {
  if (error == D_GIF_ERR_NOT_ENOUGH_MEM) throw std::bad_alloc();
  const char* text = GifErrorString(error);
  return refuse(Reason::truncated, std::string("GIF: ") + (text != nullptr ? text : "damaged"));
}

// From the end of the first frame to the trailer, block by block, without decoding.
bool ends_properly(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
  constexpr std::uint8_t kExtension = 0x21, kImage = 0x2C, kTrailer = 0x3B;
  const ByteReader reader(bytes, ByteOrder::little);
  while (reader.has(at, 1)) {
    const std::uint8_t kind = reader.u8(at);
    if (kind == kTrailer) return true;
    if (kind == 0) {  // a stray end of sub-blocks, which some encoders leave
      ++at;
      continue;
    }
    if (kind == kExtension) {
      at += 2;
    } else if (kind == kImage) {
      const std::uint8_t flags = reader.u8(at + 9);
      const std::size_t palette = (flags & 0x80U) != 0 ? std::size_t{3} << ((flags & 7U) + 1) : 0;
      at += 10 + palette + 1;  // descriptor, palette, code size
    } else {
      return false;
    }
    while (reader.u8(at) != 0) at += std::size_t{1} + reader.u8(at);  // 0 past the end, too
    ++at;
  }
  return false;
}

// Skips to the first picture; its transparent palette index, when it has one.
Decoded<std::optional<int>> find_first_frame(GifFileType* file) {
  std::optional<int> transparent;
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(file, &record) == GIF_ERROR) return damaged(file->Error);
    if (record == IMAGE_DESC_RECORD_TYPE) break;
    if (record == TERMINATE_RECORD_TYPE) return refuse(Reason::truncated, "GIF: no picture in it");
    if (record != EXTENSION_RECORD_TYPE) continue;
    int kind = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(file, &kind, &block) == GIF_ERROR) return damaged(file->Error);
    while (block != nullptr) {
      GraphicsControlBlock control{};
      if (kind == GRAPHICS_EXT_FUNC_CODE &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor == NO_TRANSPARENT_COLOR
                          ? std::nullopt
                          : std::optional<int>(control.TransparentColor);
      if (DGifGetExtensionNext(file, &block) == GIF_ERROR) return damaged(file->Error);
    }
  }
  if (DGifGetImageHeader(file) == GIF_ERROR) return damaged(file->Error);
  return transparent;
}

// One row of palette indices, cut at the canvas' right edge.
void paint_row(const std::vector<GifPixelType>& indices, const ColorMapObject& palette,
               std::optional<int> transparent, int left, int row, DecodedImage& canvas) {
  if (row >= canvas.height_px || left >= canvas.width_px) return;
  const int end = std::min(static_cast<int>(indices.size()), canvas.width_px - left);
  std::uint8_t* to = canvas.pixels.data() +
                     (static_cast<std::size_t>(row) * static_cast<std::size_t>(canvas.width_px) +
                      static_cast<std::size_t>(left)) *
                         3;
  for (int x = 0; x < end; ++x, to += 3) {
    const int index = indices[static_cast<std::size_t>(x)];
    if (index == transparent || index >= palette.ColorCount) continue;
    const GifColorType& colour = palette.Colors[index];
    to[0] = colour.Red;
    to[1] = colour.Green;
    to[2] = colour.Blue;
  }
}

Decoded<void> paint_frame(GifFileType* file, std::optional<int> transparent, DecodedImage& canvas) {
  const GifImageDesc& frame = file->Image;
  const ColorMapObject* palette = frame.ColorMap != nullptr ? frame.ColorMap : file->SColorMap;
  if (palette == nullptr) return refuse(Reason::truncated, "GIF: no palette");
  std::vector<GifPixelType> indices(static_cast<std::size_t>(frame.Width));
  struct Pass {
    int first, step;
  };
  constexpr std::array<Pass, 4> kInterlaced{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  constexpr std::array<Pass, 1> kPlain{{{0, 1}}};
  const std::span<const Pass> passes =
      frame.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kPlain);
  for (const Pass& pass : passes)
    for (int row = pass.first; row < frame.Height; row += pass.step) {
      if (DGifGetLine(file, indices.data(), frame.Width) == GIF_ERROR) return damaged(file->Error);
      paint_row(indices, *palette, transparent, frame.Left, frame.Top + row, canvas);
    }
  return {};
}

}  // namespace

Decoded<DecodedImage> read_first_gif_frame(std::span<const std::uint8_t> bytes,
                                           const DecodeLimits& limits) {
  Source source{bytes};
  int error = 0;
  const File file(DGifOpen(&source, read_source, &error));
  if (!file) return damaged(error);
  const auto transparent = find_first_frame(file.get());
  if (!transparent) return refuse(transparent.error());

  const GifImageDesc& frame = file->Image;
  DecodedImage canvas;  // some writers leave the canvas' size at 0
  canvas.width_px = file->SWidth > 0 ? file->SWidth : frame.Left + frame.Width;
  canvas.height_px = file->SHeight > 0 ? file->SHeight : frame.Top + frame.Height;
  for (const auto& [width, height] :
       {std::pair{canvas.width_px, canvas.height_px}, std::pair{frame.Width, frame.Height}})
    if (auto fits = check_size("GIF", width, height, limits); !fits) return refuse(fits.error());
  canvas.pixels.resize(static_cast<std::size_t>(canvas.width_px) *
                       static_cast<std::size_t>(canvas.height_px) * 3);
  if (auto painted = paint_frame(file.get(), *transparent, canvas); !painted)
    return refuse(painted.error());
  if (!ends_properly(bytes, source.at))
    return refuse(Reason::truncated, "GIF: the data end before the trailer");
  return canvas;
}

}  // namespace photoscribe::image
