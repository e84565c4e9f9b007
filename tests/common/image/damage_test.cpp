// Every format x damage: a failure, or the very same picture; never a crash, nor a codec's chatter.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

struct Case {
  std::string name;
  Bytes bytes;
  bool zeros_are_pixels = false;  // no coder that could notice
};

std::vector<Case> files() {
  const DecodedImage picture = sharp_picture(96, 80);
  std::vector<Case> all{
      {"jpeg", encode_jpeg(picture, {.orientation = 6})},
      {"jpeg progressive", encode_jpeg(picture, {.progressive = true})},
      {"jpeg restarts", encode_jpeg(picture, {.restart_rows = 1})},
      {"jpeg gray", encode_jpeg(picture, {.colour = JpegColour::gray})},
      {"jpeg cmyk", encode_jpeg(picture, {.colour = JpegColour::ycck})},
      {"png", encode_png(picture, {.orientation = 3})},
      {"png interlaced", encode_png(picture, {.interlaced = true})},
      {"png palette", encode_png(picture, {.colour = PngColour::palette})},
      {"png rgba 16", encode_png(picture, {.colour = PngColour::rgba, .bits = 16, .alpha = 9})},
      {"gif", encode_gif(picture)},
      {"gif of frames", encode_gif(picture, {.interlaced = true, .frames = 3})},
      {"webp", encode_webp(picture, {.orientation = 2})},
      {"webp lossless", encode_webp(picture, {.lossless = true})},
      {"webp animated", encode_webp(picture, {.animated = true})},
      {"bmp", encode_bmp(picture), true},
      {"tiff directory first", encode_tiff(picture, {.directory_first = true}), true}};
  for (const bool tiled : {false, true})
    for (const auto compression :
         {TiffCompression::lzw, TiffCompression::jpeg, TiffCompression::deflate,
          TiffCompression::packbits, TiffCompression::lzma, TiffCompression::zstd,
          TiffCompression::webp})
      if (Bytes bytes =
              encode_tiff_by_libtiff(picture, {.compression = compression, .tiled = tiled});
          !bytes.empty())
        all.push_back({"tiff " + std::to_string(static_cast<int>(compression)), std::move(bytes)});
  return all;
}

struct Seen {
  std::string outcome;
  double score = 0;
  Bytes pixels;
  bool operator==(const Seen&) const = default;
};
Seen seen(const Bytes& bytes) {
  const auto loaded = load_photo(bytes, 24, {.blur_threshold = 0}, {.pixels_max = 1'000'000});
  if (!loaded) return {std::string(to_string(loaded.error().reason)), 0, {}};
  return {"ok", loaded->measured.blur_scores.of(BlurMode::full), loaded->network_input->pixels};
}

void expect_failed_or_same(const Case& file, const Bytes& damaged, const Seen& whole, int tenth) {
  const Seen now = seen(damaged);
  EXPECT_TRUE(now.outcome != "ok" || now == whole) << file.name << " at " << tenth << " tenths";
}

TEST(Damage, CutAtEveryTenthIsAFailureOrCostsNoPixel) {
  for (const Case& file : files()) {
    const Seen whole = seen(file.bytes);
    ASSERT_EQ(whole.outcome, "ok") << file.name;
    for (int tenth = 1; tenth < 10; ++tenth)
      expect_failed_or_same(file, cut_to(file.bytes, tenth / 10.0), whole, tenth);
  }
}

TEST(Damage, ATailOfZerosIsAFailureOrCostsNoPixel) {
  for (const Case& file : files()) {
    if (file.zeros_are_pixels) continue;
    const Seen whole = seen(file.bytes);
    for (int tenth = 1; tenth < 10; ++tenth) {
      Bytes damaged = file.bytes;
      std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size()) * tenth / 10,
                damaged.end(), std::uint8_t{0});
      expect_failed_or_same(file, damaged, whole, tenth);
    }
  }
}

TEST(Damage, OfAByteAnywhereIsNoCrash) {
  for (const Case& file : files())
    for (std::size_t i = 0; i < 60; ++i) {
      Bytes damaged = file.bytes;
      damaged[i < 40 ? i * 4 % damaged.size() : damaged.size() * (i - 40) / 20] ^= 0xA5;
      EXPECT_FALSE(seen(damaged).outcome.empty());
    }
}

TEST(Damage, OfAPngsPixelsIsNeverMissed) {
  const Bytes bytes = encode_png(sharp_picture(96, 80));
  const Seen whole = seen(bytes);
  for (std::size_t i = 8; i < bytes.size(); i += 101) {
    Bytes damaged = bytes;
    damaged[i] ^= 4;
    const Seen now = seen(damaged);
    EXPECT_TRUE(now.outcome != "ok" || now == whole) << i;
  }
}

TEST(Damage, LeavesTheTerminalToOthers) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  for (const Case& file : files())
    for (const double share : {0.05, 0.3, 0.7, 0.95}) {
      static_cast<void>(seen(cut_to(file.bytes, share)));
      Bytes damaged = file.bytes;
      std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size() / 2),
                damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size() * 3 / 5),
                std::uint8_t{0x55});
      static_cast<void>(seen(damaged));
    }

  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace photoscribe
