// What does not pass, and under which name.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

DecodedImage picture() { return sharp_picture(120, 90); }

std::vector<NamedBytes> whole_files() {
  return {{"jpeg", encode_jpeg(picture())},
          {"jpeg progressive", encode_jpeg(picture(), {.progressive = true})},
          {"jpeg restarts", encode_jpeg(picture(), {.restart_rows = 1})},
          {"jpeg cmyk", encode_jpeg(picture(), {.colour = JpegColour::cmyk_adobe})},
          {"jpeg gray", encode_jpeg(picture(), {.colour = JpegColour::gray})},
          {"png", encode_png(picture())},
          {"png interlaced", encode_png(picture(), {.interlaced = true})},
          {"png 16 bit", encode_png(picture(), {.bits = 16})},
          {"gif", encode_gif(picture())},
          {"gif of three frames", encode_gif(picture(), {.frames = 3})},
          {"webp", encode_webp(picture())},
          {"webp lossless", encode_webp(picture(), {.lossless = true})},
          {"webp animated", encode_webp(picture(), {.animated = true})},
          {"tiff", encode_tiff(picture())},
          {"tiff directory first", encode_tiff(picture(), {.directory_first = true})},
          {"tiff tiled", encode_tiff(picture(), {.tiled = true, .directory_first = true})},
          {"tiff lzw", encode_tiff_compressed(picture(), TiffCompression::lzw)},
          {"bmp", encode_bmp(picture())},
          {"bmp top down", encode_bmp(picture(), {.top_down = true})}};
}

TEST(Refusal, OfNothingIsEmpty) { EXPECT_EQ(outcome({}), "empty"); }

TEST(Refusal, OfTextIsNotAnImage) {
  const std::string text = "This is a shopping list.\nbread, milk, BM, GIF, RIFF\n";
  EXPECT_EQ(outcome(Bytes(text.begin(), text.end())), "not_an_image");
  EXPECT_EQ(outcome(Bytes(1000, 0)), "not_an_image");
  EXPECT_EQ(outcome({0xFF}), "not_an_image");
}

TEST(Refusal, OfFormatsThatAreNotDecodedIsUnsupportedAndNamesThem) {
  for (const auto& [name, bytes] : heads_of_unsupported_formats()) {
    const auto measured = measure_photo(bytes, {}, {});

    ASSERT_FALSE(measured) << name;
    EXPECT_EQ(measured.error().reason, Reason::unsupported) << name;
    EXPECT_NE(measured.error().detail.find(name), std::string::npos) << measured.error().detail;
  }
}

TEST(Refusal, OfRawFilesInTiffClothingIsUnsupported) {
  EXPECT_EQ(outcome(encode_tiff(picture(), {.dng = true})), "unsupported");
  EXPECT_EQ(
      outcome(encode_tiff(
          picture(), {.subfile_type = 1, .maker = "NIKON CORPORATION", .sub_directory = true})),
      "unsupported");
  EXPECT_EQ(outcome(encode_tiff(picture(), {.maker = "NIKON CORPORATION"})), "ok");
}

TEST(Refusal, OfVariantsThatAreNotDecodedIsUnsupported) {
  EXPECT_EQ(outcome(jpeg_of_other_precision(picture(), 12)), "unsupported");
  EXPECT_EQ(outcome(encode_tiff(picture(), {.bits = 32, .sample_format = 3})), "unsupported");
  Bytes bmp = encode_bmp(picture());
  bmp[30] = 4;  // a JPEG inside
  EXPECT_EQ(outcome(bmp), "unsupported");
}

TEST(Refusal, OfACutFileIsTruncatedWhereverItWasCut) {
  for (const auto& [name, bytes] : whole_files()) {
    ASSERT_EQ(outcome(bytes), "ok") << name;
    const bool frames = name == "gif of three frames" || name == "webp animated";
    for (const double share : {0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 0.97})
      if (!frames || share < 0.3) {  // behind the first one nothing is missed
        EXPECT_EQ(outcome(cut_to(bytes, share)), "truncated") << name << " cut to " << share;
      }
  }
}

TEST(Refusal, OfAFileCutWithinItsHeadIsNoCrash) {
  for (const auto& [name, bytes] : whole_files())
    for (std::size_t size = 1; size < 200; ++size)
      EXPECT_NE(outcome({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}), "ok")
          << name << " cut to " << size << " bytes";
}

TEST(Refusal, OfAJpegWhoseDataAreOverwrittenIsTruncated) {
  Bytes bytes = encode_jpeg(picture());
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.end() - 2,
            std::uint8_t{0});

  EXPECT_EQ(outcome(bytes), "truncated");
}

TEST(Refusal, OfAPngWithAWrongChecksumIsTruncated) {
  Bytes bytes = encode_png(picture());
  bytes[bytes.size() / 2] ^= 1;

  EXPECT_EQ(outcome(bytes), "truncated");
}

TEST(Acceptance, OfGarbageBehindTheEndMarker) {
  for (auto& [name, bytes] : whole_files()) {
    bytes.insert(bytes.end(), 1000, 0xAB);
    EXPECT_EQ(outcome(bytes), "ok") << name;
  }
}

TEST(Acceptance, OfAFewPaddingBytesBeforeTheEndMarker) {
  Bytes bytes = encode_jpeg(picture());
  bytes.insert(bytes.end() - 2, 3, 0x00);

  EXPECT_EQ(outcome(bytes), "ok");
}

TEST(Acceptance, OfADamagedChunkThatHoldsNoPixels) {
  Bytes bytes = encode_png(picture());
  const std::string text = "tEXt";
  const auto at = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
  ASSERT_NE(at, bytes.end());
  *(at + 5) ^= 1;

  EXPECT_EQ(outcome(bytes), "ok");
}

TEST(Caps, RefuseBombsBeforeTheyCostAnything) {
  EXPECT_EQ(outcome(png_bomb(60'000, 60'000)), "too_large");
  EXPECT_EQ(outcome(png_bomb(0x7FFFFFFF, 0x7FFFFFFF)), "too_large");
  EXPECT_EQ(outcome(png_bomb(0xFFFFFFFF, 2)), "too_large");
  EXPECT_EQ(outcome(png_bomb(2'000'000, 2)), "too_large");  // a side's own cap

  Bytes bmp = encode_bmp(picture());
  bmp[20] = bmp[24] = 0x10;  // 1,048,696 x 1,048,666
  EXPECT_EQ(outcome(bmp), "too_large");

  Bytes gif = encode_gif(picture());
  gif[6] = gif[7] = gif[8] = gif[9] = 0xFF;  // a canvas of 65535 x 65535
  EXPECT_EQ(outcome(gif), "too_large");

  Bytes jpeg = encode_jpeg(picture());
  for (std::size_t i = 2; i + 9 < jpeg.size(); i += 2U + 256U * jpeg[i + 2] + jpeg[i + 3])
    if (jpeg[i + 1] == 0xC0) {
      std::fill_n(jpeg.begin() + static_cast<std::ptrdiff_t>(i) + 5, 4, std::uint8_t{0xFF});
      break;
    }
  EXPECT_EQ(outcome(jpeg), "too_large");
}

TEST(Caps, HoldInEveryFormat) {
  const DecodeLimits tight{.pixels_max = 120 * 90 - 1}, exact{.pixels_max = 120 * 90};
  const DecodeLimits small_file{.file_bytes_max = 100};
  for (const auto& [name, bytes] : whole_files()) {
    EXPECT_EQ(outcome(bytes, tight), "too_large") << name;
    EXPECT_EQ(outcome(bytes, exact), "ok") << name;
    EXPECT_EQ(outcome(bytes, small_file), "too_large") << name;
  }
}

TEST(Caps, AnAnimationOfManyFramesCostsOneFrame) {
  const Bytes bytes = encode_gif(sharp_picture(60, 60), {.frames = 300});

  EXPECT_EQ(outcome(bytes), "ok");
}

}  // namespace
}  // namespace photoscribe
