// GIF through giflib.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "common/image/raster.h"

namespace photoscribe::image {
namespace {

struct Source {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
};

// A byte past the end is 0: to giflib the end of a picture's blocks, which is what it looks for
// behind the last pixel, and an error where it still needs one.
int read_source(GifFileType* file, GifByteType* to, int count) {
  auto& source = *static_cast<Source*>(file->UserData);
  const std::size_t size =
      std::min(static_cast<std::size_t>(count), source.bytes.size() - source.at);
  if (size > 0) std::memcpy(to, source.bytes.data() + source.at, size);
  source.at += size;
  if (size == 0 && count == 1) {
    *to = 0;
    return 1;
  }
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
               std::optional<int> transparent, int left, int row, Raster& canvas) {
  if (row >= canvas.size.height_px || left >= canvas.size.width_px) return;
  const int end = std::min(static_cast<int>(indices.size()), canvas.size.width_px - left);
  std::uint8_t* to = canvas.row(row) + left * canvas.channels;
  for (int x = 0; x < end; ++x, to += 3) {
    const int index = indices[static_cast<std::size_t>(x)];
    if (index == transparent || index >= palette.ColorCount) continue;
    const GifColorType& colour = palette.Colors[index];
    to[0] = colour.Red;
    to[1] = colour.Green;
    to[2] = colour.Blue;
  }
}

Decoded<void> paint_frame(GifFileType* file, std::optional<int> transparent, Raster& canvas) {
  const GifImageDesc& frame = file->Image;
  const ColorMapObject* palette = frame.ColorMap != nullptr ? frame.ColorMap : file->SColorMap;
  if (palette == nullptr)
    return refuse(Reason::unsupported, "GIF: one without a palette is not supported");
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

Decoded<Raster> read_gif(std::span<const std::uint8_t> bytes, const DecodeLimits& limits) {
  Source source{bytes};
  int error = 0;
  const File file(DGifOpen(&source, read_source, &error));
  if (!file) return damaged(error);
  const auto transparent = find_first_frame(file.get());
  if (!transparent) return refuse(transparent.error());

  const GifImageDesc& frame = file->Image;
  // Some writers leave the canvas' size at 0.
  const Size canvas{file->SWidth > 0 ? file->SWidth : frame.Left + frame.Width,
                    file->SHeight > 0 ? file->SHeight : frame.Top + frame.Height};
  for (const Size& size : {canvas, Size{frame.Width, frame.Height}})
    if (auto fits = check_size("GIF", size.width_px, size.height_px, limits); !fits)
      return refuse(fits.error());
  Raster raster = make_raster(canvas, 3);
  if (auto painted = paint_frame(file.get(), *transparent, raster); !painted)
    return refuse(painted.error());
  return raster;
}

}  // namespace photoscribe::image
