// Orientation out of EXIF and XMP, and what a photo that is too large is told.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

constexpr int kSide = 72;

DecodedImage picture() { return sharp_picture(kSide, kSide); }

TEST(Orientation, StandsInXmpAloneInEveryFormat) {
  const DecodedImage stored = sharp_picture(kSide, kSide, 3);
  constexpr std::string_view kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
  for (const int orientation : {3, 6, 8})
    for (const bool as_element : {false, true}) {
      const std::string xmp = xmp_with_orientation(orientation, as_element);
      const DecodedImage expected = shown_with_orientation(stored, orientation);
      EXPECT_EQ(network_input(encode_png(stored, {.xmp = xmp}), kSide).pixels, expected.pixels);
      EXPECT_EQ(network_input(encode_tiff(stored, {.xmp = xmp}), kSide).pixels, expected.pixels);
      EXPECT_EQ(network_input(encode_webp(stored, {.lossless = true, .xmp = xmp}), kSide).pixels,
                expected.pixels);
      const Bytes jpeg = encode_jpeg(stored);
      EXPECT_EQ(network_input(with_jpeg_segment(jpeg, 0xE1, std::string(kXmp) + xmp), kSide).pixels,
                shown_with_orientation(network_input(jpeg, kSide), orientation).pixels);
    }
}

TEST(Orientation, OfExifGoesBeforeThatOfXmp) {
  const DecodedImage stored = sharp_picture(kSide, kSide, 3);
  const Bytes both = encode_png(stored, {.orientation = 6, .xmp = xmp_with_orientation(3)});

  EXPECT_EQ(network_input(both, kSide).pixels, shown_with_orientation(stored, 6).pixels);
}

TEST(TooLarge, NamesTheSettingToRaise) {
  for (const Bytes& bytes :
       {encode_jpeg(picture()), encode_png(picture()), encode_gif(picture()),
        encode_webp(picture()), encode_tiff(picture()), encode_bmp(picture())}) {
    const auto by_pixels = measure_photo(bytes, {}, {.pixels_max = 1000});
    const auto by_bytes = measure_photo(bytes, {}, {.file_bytes_max = 100});

    EXPECT_NE(by_pixels.error().detail.find("limits.pixels_max"), std::string::npos);
    EXPECT_NE(by_bytes.error().detail.find("limits.file_bytes_max"), std::string::npos);
  }
}

}  // namespace
}  // namespace photoscribe
