// What the network sees of each format: the pixels themselves where nothing is resized.
#include <cmath>

#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

constexpr int kSide = 72;

DecodedImage picture() { return sharp_picture(kSide, kSide); }

// gray = (2 R + 5 G + B) / 8, as the test writers make it
DecodedImage grayed(DecodedImage image) {
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const unsigned gray =
        (image.pixels[i] * 2U + image.pixels[i + 1] * 5U + image.pixels[i + 2]) / 8;
    for (std::size_t k = 0; k < 3; ++k) image.pixels[i + k] = static_cast<std::uint8_t>(gray);
  }
  return image;
}

DecodedImage left_half_on_black(DecodedImage image, unsigned alpha) {
  const auto width = static_cast<std::size_t>(image.width_px);
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    if (i / 3 % width < width / 2)
      image.pixels[i] = static_cast<std::uint8_t>((image.pixels[i] * alpha + 127) / 255);
  return image;
}

TEST(Png, OfTheNetworksSizePassesUnchanged) {
  EXPECT_EQ(network_input(encode_png(picture()), kSide).pixels, picture().pixels);
  EXPECT_EQ(network_input(encode_png(picture(), {.interlaced = true}), kSide).pixels,
            picture().pixels);
  EXPECT_EQ(network_input(encode_png(picture(), {.animated = true}), kSide).pixels,
            picture().pixels);
}

TEST(Png, Of16BitsShowsTheUpperByte) {
  EXPECT_EQ(network_input(encode_png(picture(), {.bits = 16}), kSide).pixels, picture().pixels);
}

TEST(Png, OfGrayShowsGray) {
  EXPECT_EQ(network_input(encode_png(picture(), {.colour = PngColour::gray}), kSide).pixels,
            grayed(picture()).pixels);
}

TEST(Png, OfAPaletteShowsItsColours) {
  const DecodedImage shown =
      network_input(encode_png(picture(), {.colour = PngColour::palette}), kSide);

  EXPECT_EQ(shown.pixels, as_gif_shows(picture()).pixels);  // the same cube of 216 colours
}

TEST(Png, ShowsTransparencyOnBlack) {
  const Bytes rgba = encode_png(picture(), {.colour = PngColour::rgba, .alpha = 100});
  const Bytes gray = encode_png(picture(), {.colour = PngColour::gray_alpha, .alpha = 100});
  const Bytes deep = encode_png(picture(), {.colour = PngColour::rgba, .bits = 16, .alpha = 100});
  const Bytes palette =
      encode_png(picture(), {.colour = PngColour::palette, .palette_transparency = true});

  EXPECT_EQ(network_input(rgba, kSide).pixels, left_half_on_black(picture(), 100).pixels);
  EXPECT_EQ(network_input(gray, kSide).pixels, left_half_on_black(grayed(picture()), 100).pixels);
  EXPECT_LE(largest_difference(network_input(deep, kSide), left_half_on_black(picture(), 100)), 1);
  EXPECT_EQ(network_input(palette, kSide).pixels,
            as_gif_shows(picture(), {.transparent = 0}).pixels);
}

TEST(Gif, ShowsItsFirstFrameOnBlack) {
  for (const GifOptions& options :
       {GifOptions{}, GifOptions{.interlaced = true}, GifOptions{.local_palette = true},
        GifOptions{.transparent = 86}, GifOptions{.interlaced = true, .frames = 4}})
    EXPECT_EQ(network_input(encode_gif(picture(), options), kSide).pixels,
              as_gif_shows(picture(), options).pixels);
}

TEST(Gif, PlacesAFrameOnItsCanvasAndCutsWhatLeavesIt) {
  const DecodedImage small = sharp_picture(40, 30);
  const GifOptions inside{
      .left_px = 11, .top_px = 7, .canvas_width_px = kSide, .canvas_height_px = kSide};
  const GifOptions outside{
      .left_px = 50, .top_px = 60, .canvas_width_px = kSide, .canvas_height_px = kSide};
  const GifOptions no_canvas{.canvas_width_px = 0, .canvas_height_px = 0};

  EXPECT_EQ(network_input(encode_gif(small, inside), kSide).pixels,
            as_gif_shows(small, inside).pixels);
  EXPECT_EQ(network_input(encode_gif(small, outside), kSide).pixels,
            as_gif_shows(small, outside).pixels);
  EXPECT_EQ(network_input(encode_gif(picture(), no_canvas), kSide).pixels,
            as_gif_shows(picture()).pixels);
}

TEST(Webp, LosslessPassesUnchanged) {
  EXPECT_EQ(network_input(encode_webp(picture(), {.lossless = true}), kSide).pixels,
            picture().pixels);
  EXPECT_EQ(network_input(encode_webp(picture(), {.lossless = true, .alpha = 100}), kSide).pixels,
            left_half_on_black(picture(), 100).pixels);
}

TEST(Webp, LossyComesClose) {
  EXPECT_LT(mean_difference(network_input(encode_webp(picture()), kSide), picture()), 14);
}

TEST(Webp, AnimatedShowsItsFirstFrameOnBlack) {
  const WebpOptions whole{.lossless = true, .animated = true};
  const WebpOptions placed{.lossless = true,
                           .animated = true,
                           .canvas_width_px = kSide,
                           .canvas_height_px = kSide,
                           .left_px = 10,
                           .top_px = 20};
  const DecodedImage small = sharp_picture(30, 40);
  DecodedImage expected = flat_picture(kSide, kSide, 0, 0, 0);
  for (std::size_t y = 0; y < 40; ++y)
    std::copy_n(small.pixels.begin() + static_cast<std::ptrdiff_t>(y * 30 * 3), 30 * 3,
                expected.pixels.begin() + static_cast<std::ptrdiff_t>(((y + 20) * kSide + 10) * 3));

  EXPECT_EQ(network_input(encode_webp(picture(), whole), kSide).pixels, picture().pixels);
  EXPECT_EQ(network_input(encode_webp(small, placed), kSide).pixels, expected.pixels);
}

TEST(Tiff, PassesUnchangedInEveryLayout) {
  for (const TiffOptions& options :
       {TiffOptions{}, TiffOptions{.big_endian = true}, TiffOptions{.big_tiff = true},
        TiffOptions{.big_endian = true, .big_tiff = true}, TiffOptions{.tiled = true},
        TiffOptions{.directory_first = true}, TiffOptions{.pages = 3},
        TiffOptions{.maker = "NIKON CORPORATION"}})
    EXPECT_EQ(network_input(encode_tiff(picture(), options), kSide).pixels, picture().pixels);
  for (const auto compression : {TiffCompression::lzw, TiffCompression::deflate})
    EXPECT_EQ(network_input(encode_tiff_compressed(picture(), compression), kSide).pixels,
              picture().pixels);
}

TEST(Tiff, Of16BitsGrayAndCmykShowsThePhoto) {
  EXPECT_LE(
      largest_difference(network_input(encode_tiff(picture(), {.bits = 16}), kSide), picture()), 1);
  EXPECT_EQ(network_input(encode_tiff(picture(), {.channels = 1}), kSide).pixels,
            grayed(picture()).pixels);
  EXPECT_LE(
      largest_difference(network_input(encode_tiff(picture(), {.channels = 4}), kSide), picture()),
      1);
}

TEST(Tiff, ShowsTransparencyOnBlack) {
  for (const int bits : {8, 16})
    EXPECT_LE(largest_difference(
                  network_input(encode_tiff(picture(), {.bits = bits, .alpha = 100}), kSide),
                  left_half_on_black(picture(), 100)),
              1);
}

TEST(Bmp, PassesUnchanged) {
  EXPECT_EQ(network_input(encode_bmp(picture()), kSide).pixels, picture().pixels);
  EXPECT_EQ(network_input(encode_bmp(picture(), {.top_down = true}), kSide).pixels,
            picture().pixels);
  EXPECT_EQ(network_input(encode_bmp(picture(), {.bits = 32}), kSide).pixels, picture().pixels);
  EXPECT_EQ(network_input(encode_bmp(picture(), {.bits = 8}), kSide).pixels,
            grayed(picture()).pixels);
}

TEST(Formats, AreToldByTheirBytesAlone) {
  EXPECT_EQ(format_name(encode_jpeg(picture())), "JPEG");
  EXPECT_EQ(format_name(encode_png(picture())), "PNG");
  EXPECT_EQ(format_name(encode_gif(picture())), "GIF");
  EXPECT_EQ(format_name(encode_webp(picture())), "WebP");
  EXPECT_EQ(format_name(encode_tiff(picture())), "TIFF");
  EXPECT_EQ(format_name(encode_bmp(picture())), "BMP");
  EXPECT_EQ(format_name({}), "");
}

// Stored so that orientation 1 to 8 all show one and the same upright picture.
class Orientation : public ::testing::TestWithParam<int> {};

TEST_P(Orientation, IsHonouredInEveryFormatThatHasIt) {
  const int orientation = GetParam();
  const DecodedImage stored = sharp_picture(kSide, kSide, 3);
  const DecodedImage expected = shown_with_orientation(stored, orientation);

  EXPECT_EQ(network_input(encode_png(stored, {.orientation = orientation}), kSide).pixels,
            expected.pixels);
  EXPECT_EQ(network_input(encode_tiff(stored, {.orientation = orientation}), kSide).pixels,
            expected.pixels);
  EXPECT_EQ(
      network_input(encode_tiff(stored, {.big_endian = true, .orientation = orientation}), kSide)
          .pixels,
      expected.pixels);
  EXPECT_EQ(
      network_input(encode_webp(stored, {.lossless = true, .orientation = orientation}), kSide)
          .pixels,
      expected.pixels);
  EXPECT_EQ(network_input(encode_jpeg(stored, {.orientation = orientation}), kSide).pixels,
            shown_with_orientation(network_input(encode_jpeg(stored), kSide), orientation).pixels);
}

TEST_P(Orientation, SwapsTheSidesAsShownAndKeepsTheScore) {
  const int orientation = GetParam();
  const DecodedImage stored = sharp_picture(60, 40);
  for (const auto& [plain, turned] :
       {std::pair{encode_jpeg(stored), encode_jpeg(stored, {.orientation = orientation})},
        {encode_png(stored), encode_png(stored, {.orientation = orientation})},
        {encode_tiff(stored), encode_tiff(stored, {.orientation = orientation})},
        {encode_webp(stored), encode_webp(stored, {.orientation = orientation})}}) {
    const auto measured = measure_photo(turned, {}, {});

    ASSERT_TRUE(measured) << measured.error().detail;
    EXPECT_EQ(measured->width_px, orientation >= 5 ? 40 : 60);
    EXPECT_EQ(measured->height_px, orientation >= 5 ? 60 : 40);
    EXPECT_EQ(measured->blur_scores.of(BlurMode::full), score(plain));
  }
}

INSTANTIATE_TEST_SUITE_P(Exif, Orientation, ::testing::Range(1, 9));

}  // namespace
}  // namespace photoscribe
