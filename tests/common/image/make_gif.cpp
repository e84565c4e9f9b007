#include <gif_lib.h>

#include <array>
#include <cstdlib>

#include "tests/common/image/make_images.h"

namespace photoscribe::testing {
namespace {

constexpr int kLevels = 6, kColours = 256;

int index_of(const std::uint8_t* pixel) {
  int index = 0;
  for (int i = 0; i < 3; ++i) index = index * kLevels + pixel[i] * kLevels / 256;
  return index;
}

std::array<std::uint8_t, 3> colour_of(int index) {
  const auto shade = [](int level) { return static_cast<std::uint8_t>(level * 51); };
  if (index >= kLevels * kLevels * kLevels) return {255, 0, 255};  // unused
  return {shade(index / 36), shade(index / 6 % 6), shade(index % 6)};
}

int write_out(GifFileType* file, const GifByteType* bytes, int count) {
  auto& out = *static_cast<Bytes*>(file->UserData);
  out.insert(out.end(), bytes, bytes + count);
  return count;
}

ColorMapObject* make_map(bool reversed_decoy) {
  ColorMapObject* map = GifMakeMapObject(kColours, nullptr);
  for (int i = 0; i < kColours; ++i) {
    const auto colour = colour_of(reversed_decoy ? kColours - 1 - i : i);
    map->Colors[i] = {colour[0], colour[1], colour[2]};
  }
  return map;
}

void write_frame(GifFileType* file, const DecodedImage& rgb, const GifOptions& options,
                 const ColorMapObject* local) {
  GraphicsControlBlock control{};
  control.TransparentColor = options.transparent.value_or(NO_TRANSPARENT_COLOR);
  std::array<GifByteType, 4> block{};
  EGifGCBToExtension(&control, block.data());
  EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, block.data());
  EGifPutImageDesc(file, options.left_px, options.top_px, rgb.width_px, rgb.height_px,
                   options.interlaced, local);
  Bytes row(static_cast<std::size_t>(rgb.width_px));
  struct Pass {
    int first, step;
  };
  const std::vector<Pass> passes = options.interlaced
                                       ? std::vector<Pass>{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
                                       : std::vector<Pass>{{0, 1}};
  for (const Pass& pass : passes)
    for (int y = pass.first; y < rgb.height_px; y += pass.step) {
      for (std::size_t x = 0; x < row.size(); ++x)
        row[x] = static_cast<std::uint8_t>(
            index_of(rgb.pixels.data() + (static_cast<std::size_t>(y) * row.size() + x) * 3));
      EGifPutLine(file, row.data(), rgb.width_px);
    }
}

int canvas_side(int wanted, int picture) { return wanted < 0 ? picture : wanted; }

}  // namespace

Bytes encode_gif(const DecodedImage& rgb, const GifOptions& options) {
  Bytes out;
  int error = 0;
  GifFileType* file = EGifOpen(&out, write_out, &error);
  EGifSetGifVersion(file, true);
  ColorMapObject* map = make_map(false);
  ColorMapObject* decoy = make_map(true);
  EGifPutScreenDesc(file, canvas_side(options.canvas_width_px, rgb.width_px),
                    canvas_side(options.canvas_height_px, rgb.height_px), 8, 0,
                    options.local_palette ? decoy : map);
  write_frame(file, rgb, options, options.local_palette ? map : nullptr);
  const DecodedImage other = flat_picture(rgb.width_px, rgb.height_px, 255, 255, 255);
  for (int i = 1; i < options.frames; ++i) write_frame(file, other, options, nullptr);
  EGifCloseFile(file, &error);
  GifFreeMapObject(map);
  GifFreeMapObject(decoy);
  return out;
}

DecodedImage as_gif_shows(const DecodedImage& rgb, const GifOptions& options) {
  DecodedImage canvas = flat_picture(canvas_side(options.canvas_width_px, rgb.width_px),
                                     canvas_side(options.canvas_height_px, rgb.height_px), 0, 0, 0);
  for (int y = 0; y < rgb.height_px; ++y)
    for (int x = 0; x < rgb.width_px; ++x) {
      const int to_x = x + options.left_px, to_y = y + options.top_px;
      if (to_x >= canvas.width_px || to_y >= canvas.height_px) continue;
      const int index = index_of(rgb.pixels.data() + (static_cast<std::size_t>(y) *
                                                          static_cast<std::size_t>(rgb.width_px) +
                                                      static_cast<std::size_t>(x)) *
                                                         3);
      if (index == options.transparent) continue;
      const auto colour = colour_of(index);
      std::copy(
          colour.begin(), colour.end(),
          canvas.pixels.begin() + (static_cast<std::ptrdiff_t>(to_y) * canvas.width_px + to_x) * 3);
    }
  return canvas;
}

}  // namespace photoscribe::testing
