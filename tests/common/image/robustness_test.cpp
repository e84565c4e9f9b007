// Damaged bytes by the thousand: every one ends in a value, none in a crash, a hang or a huge
// allocation. Deterministic and bounded; sanitizers make it sharp.
#include <atomic>
#include <random>
#include <thread>

#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

std::vector<NamedBytes> seeds() {
  const DecodedImage picture = sharp_picture(48, 40);
  return {{"jpeg", encode_jpeg(picture, {.orientation = 6})},
          {"jpeg progressive", encode_jpeg(picture, {.progressive = true})},
          {"jpeg restarts", encode_jpeg(picture, {.restart_rows = 1})},
          {"jpeg cmyk", encode_jpeg(picture, {.colour = JpegColour::ycck})},
          {"jpeg gray", encode_jpeg(picture, {.colour = JpegColour::gray})},
          {"png", encode_png(picture, {.interlaced = true, .gamma = 45455, .orientation = 3})},
          {"png palette",
           encode_png(picture, {.colour = PngColour::palette, .palette_transparency = true})},
          {"png rgba 16", encode_png(picture, {.colour = PngColour::rgba, .bits = 16, .alpha = 9})},
          {"gif", encode_gif(picture, {.interlaced = true, .transparent = 4, .frames = 2})},
          {"webp", encode_webp(picture, {.alpha = 50, .orientation = 2})},
          {"webp lossless", encode_webp(picture, {.lossless = true})},
          {"webp animated", encode_webp(picture, {.animated = true})},
          {"tiff", encode_tiff(picture, {.big_endian = true, .bits = 16, .orientation = 7})},
          {"tiff big tiled", encode_tiff(picture, {.big_tiff = true, .tiled = true})},
          {"tiff lzw", encode_tiff_compressed(picture, TiffCompression::lzw)},
          {"tiff deflate", encode_tiff_compressed(picture, TiffCompression::deflate)},
          {"bmp", encode_bmp(picture)},
          {"bmp palette", encode_bmp(picture, {.bits = 8, .top_down = true})}};
}

// Small caps, so that a damaged size is refused and not worked off.
const DecodeLimits kLimits{.pixels_max = 1'000'000};

/// A whole result or a reason with its detail, and no crash.
void expect_result_or_reason(const Bytes& bytes, int& decoded) {
  const auto loaded = load_photo(bytes, 24, {.blur_threshold = 0}, kLimits);
  if (!loaded) {
    EXPECT_FALSE(loaded.error().detail.empty());
    return;
  }
  ++decoded;
  EXPECT_GE(loaded->measured.blur_scores.of(BlurMode::full), 0);
  EXPECT_GT(loaded->measured.width_px, 0);
  EXPECT_EQ(loaded->network_input->pixels.size(), 24U * 24U * 3U);
}

TEST(Damage, OfAFewBitsNeverCrashes) {
  constexpr int kRounds = 150;
  std::mt19937 random(20);
  int decoded = 0, tried = 0;
  for (const auto& [name, bytes] : seeds())
    for (int round = 0; round < kRounds; ++round, ++tried) {
      Bytes damaged = bytes;
      // Half of the damage goes where structure is: the first bytes.
      const std::size_t range =
          round % 2 == 0 ? std::min<std::size_t>(damaged.size(), 200) : damaged.size();
      for (unsigned flips = 1 + random() % 4; flips > 0; --flips)
        damaged[random() % range] ^= static_cast<std::uint8_t>(1U << random() % 8);
      expect_result_or_reason(damaged, decoded);
    }
  EXPECT_GT(decoded, tried / 100);  // or the damage was not fine enough to test anything
}

TEST(Damage, OfWholeStretchesNeverCrashes) {
  constexpr int kRounds = 60;
  std::mt19937 random(21);
  int decoded = 0;
  for (const auto& [name, bytes] : seeds())
    for (int round = 0; round < kRounds; ++round) {
      Bytes damaged = bytes;
      const std::size_t at = random() % damaged.size();
      const std::size_t size = std::min<std::size_t>(1 + random() % 64, damaged.size() - at);
      const auto begin = damaged.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(size);
      if (round % 3 == 0)
        damaged.erase(begin, end);
      else
        std::generate(begin, end, [&] { return static_cast<std::uint8_t>(random()); });
      expect_result_or_reason(damaged, decoded);
    }
  EXPECT_GT(decoded, 0);  // or nothing of what is damaged in the middle was ever looked at
}

TEST(Damage, BehindEveryMagicNumberNeverCrashes) {
  constexpr int kRounds = 40;
  std::mt19937 random(22);
  int decoded = 0;
  for (const auto& [name, bytes] : seeds())
    for (int round = 0; round < kRounds; ++round) {
      Bytes noise(16 + random() % 600);
      std::generate(noise.begin(), noise.end(),
                    [&] { return static_cast<std::uint8_t>(random()); });
      const std::size_t kept =
          std::min<std::size_t>({noise.size(), 8 + random() % 30, bytes.size()});
      std::copy_n(bytes.begin(), kept, noise.begin());
      expect_result_or_reason(noise, decoded);
    }
}

TEST(Threads, GiveTheSameResultsAtTheSameTime) {
  const auto files = seeds();
  std::vector<GatedPhoto> expected;
  for (const auto& [name, bytes] : files)
    expected.push_back(*load_photo(bytes, 24, {.blur_threshold = 0}, {}));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 3 * files.size(); ++i) {
        const std::size_t at = (i + t * 5) % files.size();
        const auto loaded = load_photo(files[at].bytes, 24, {.blur_threshold = 0}, {});
        if (!loaded ||
            loaded->measured.blur_scores.of(BlurMode::full) !=
                expected[at].measured.blur_scores.of(BlurMode::full) ||
            loaded->network_input->pixels != expected[at].network_input->pixels)
          ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace photoscribe
