// Reported: sound files of an unusual variant came out as `truncated` or `not_an_image`. They are
// decoded, or `unsupported` with the variant's name.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

constexpr int kSide = 72;

DecodedImage picture() { return sharp_picture(kSide, kSide); }

DecodeFailure failure_of(const Bytes& bytes) {
  const auto measured = measure_photo(bytes, {}, {});
  EXPECT_FALSE(measured);
  return measured ? DecodeFailure{} : measured.error();
}

void expect_unsupported(const Bytes& bytes, std::string_view name) {
  const DecodeFailure failure = failure_of(bytes);
  EXPECT_EQ(failure.reason, Reason::unsupported) << failure.detail;
  EXPECT_NE(failure.detail.find(name), std::string::npos) << failure.detail;
}

// gray = (2 R + 5 G + B) / 8 with its upper `bits`, as the test writer makes it
DecodedImage grayed(DecodedImage image, int bits) {
  const unsigned levels = (1U << bits) - 1;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const unsigned gray =
        (image.pixels[i] * 2U + image.pixels[i + 1] * 5U + image.pixels[i + 2]) / 8;
    const unsigned shown = (gray >> (8 - bits)) * 255 / levels;
    for (std::size_t k = 0; k < 3; ++k) image.pixels[i + k] = static_cast<std::uint8_t>(shown);
  }
  return image;
}

TEST(Variant, TiffOfFewBitsIsDecoded) {
  for (const int bits : {1, 2, 4})
    EXPECT_EQ(network_input(encode_tiff_by_libtiff(picture(), {.bits = bits, .samples = 1}), kSide)
                  .pixels,
              grayed(picture(), bits).pixels)
        << bits;
}

TEST(Variant, TiffOfFiveChannelsIsDecodedOrUnsupported) {
  const Bytes bytes = encode_tiff_by_libtiff(picture(), {.samples = 5});

  EXPECT_LE(largest_difference(network_input(bytes, kSide), picture()), 1);
}

TEST(Variant, TiffOf16BitCmykIsUnsupportedByName) {
  expect_unsupported(encode_tiff_by_libtiff(picture(), {.bits = 16, .samples = 4}),
                     "4 samples of 16 bits, CMYK");
}

TEST(Variant, TiffOfAnUnknownCompressionIsUnsupportedByName) {
  constexpr std::uint16_t kCompression = 259;
  for (const auto& [number, name] : {std::pair{34933U, "34933"},
                                     {34712U, "JPEG 2000"},
                                     {50002U, "JPEG XL"},
                                     {60'000U, "60000"}}) {
    Bytes bytes = encode_tiff_by_libtiff(picture(), {});
    set_last_value(bytes, kCompression, number);
    expect_unsupported(bytes, name);
  }
}

TEST(Variant, JpegWhoseHeightStandsBehindItsDataIsUnsupportedByName) {
  const Bytes bytes = encode_jpeg(picture());
  for (const std::uint8_t height : {std::uint8_t{0}, std::uint8_t{1}}) {
    Bytes odd = bytes;
    for (std::size_t i = 2; i + 9 < odd.size(); i += 2U + 256U * odd[i + 2] + odd[i + 3])
      if (odd[i + 1] == 0xC0) {
        odd[i + 5] = 0;
        odd[i + 6] = height;
        break;
      }
    const Bytes lines{0xFF, 0xDC, 0, 4, 0, kSide};
    odd.insert(odd.end() - 2, lines.begin(), lines.end());
    expect_unsupported(odd, "DNL");
  }
}

TEST(Variant, ApplesPngIsUnsupportedByName) {
  Bytes bytes = encode_png(picture());
  const Bytes chunk = png_chunk("CgBI", {0x50, 0, 0x20, 2});
  bytes.insert(bytes.begin() + 8, chunk.begin(), chunk.end());

  expect_unsupported(bytes, "CgBI");
}

TEST(Variant, GifWithoutAPaletteIsUnsupportedByName) {
  Bytes bytes = encode_gif(picture());
  const std::size_t palette = std::size_t{3} << ((bytes[10] & 7U) + 1);
  bytes[10] &= 0x7F;
  bytes.erase(bytes.begin() + 13, bytes.begin() + 13 + static_cast<std::ptrdiff_t>(palette));

  expect_unsupported(bytes, "palette");
}

TEST(Variant, BmpWithoutAnOffsetIsDecoded) {
  for (const int bits : {8, 24, 32}) {
    const Bytes bytes = encode_bmp(picture(), {.bits = bits});
    Bytes odd = bytes;
    std::fill_n(odd.begin() + 10, 4, std::uint8_t{0});
    EXPECT_EQ(score(odd), score(bytes)) << bits;
  }
}

TEST(Variant, BmpOfRunsIsDecodedAndACutOneTruncated) {
  // 4 x 2 pixels of 8 bits: a run and a literal stretch, an end of row; a jump over two, a run.
  Bytes bmp = encode_bmp(flat_picture(4, 2, 0, 0, 0), {.bits = 8});
  bmp.resize(14 + 40 + 1024);
  bmp[30] = 1;  // RLE8
  const Bytes runs{2, 200, 0, 3, 10, 20, 30, 0, 0, 0, 0, 2, 2, 0, 2, 90, 0, 1};
  Bytes wrong = bmp, right = bmp;
  wrong.insert(wrong.end(), runs.begin(), runs.end());  // 2 + 3 pixels in a row of 4
  EXPECT_EQ(outcome(wrong), "truncated");
  const Bytes fitting{1, 200, 0, 3, 10, 20, 30, 0, 0, 0, 0, 2, 2, 0, 2, 90, 0, 1};
  right.insert(right.end(), fitting.begin(), fitting.end());
  EXPECT_EQ(outcome(right), "ok");
  EXPECT_EQ(network_input(right, 1).pixels[0], (200 + 10 + 20 + 30 + 90 + 90) / 8);
  right.resize(right.size() - 6);
  EXPECT_EQ(outcome(right), "truncated");
}

}  // namespace
}  // namespace photoscribe
