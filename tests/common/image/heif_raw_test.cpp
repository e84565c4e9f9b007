// HEIC and AVIF by libheif, camera RAW by the largest JPEG in it.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

constexpr int kSide = 64;

std::vector<std::pair<std::string, bool>> codecs() { return {{"HEIC", false}, {"AVIF", true}}; }

TEST(Heif, ShowsThePhoto) {
  const DecodedImage picture = smooth_picture(kSide, kSide);
  for (const auto& [name, avif] : codecs()) {
    const Bytes bytes = encode_heif(picture, {.avif = avif});
    if (bytes.empty()) continue;  // this libheif has no such encoder
    EXPECT_EQ(format_name(bytes), name);
    EXPECT_LT(mean_difference(network_input(bytes, kSide), picture), 4) << name;
  }
}

TEST(Heif, ShowsTransparencyOnBlack) {
  const DecodedImage picture = flat_picture(kSide, kSide, 200, 100, 50);
  for (const auto& [name, avif] : codecs()) {
    const Bytes bytes = encode_heif(picture, {.avif = avif, .alpha = 0});
    if (bytes.empty()) continue;
    const DecodedImage shown = network_input(bytes, kSide);
    EXPECT_LE(shown.pixels[3 * 5], 2) << name;
    EXPECT_NEAR(shown.pixels[3 * (kSide - 5)], 200, 6) << name;
  }
}

TEST(Heif, HasTheGrayOfItsColours) {
  const DecodedImage sharp = sharp_picture(kSide, kSide);
  for (const auto& [name, avif] : codecs()) {
    const Bytes bytes = encode_heif(sharp, {.avif = avif});
    if (bytes.empty()) continue;
    const DecodedImage shown = network_input(bytes, kSide);  // of its own size: unchanged
    EXPECT_NEAR(score(bytes), score(encode_webp(shown, {.lossless = true})), 1e-9 * score(bytes))
        << name;
  }
}

TEST(Heif, IsCappedAndItsLossesAreTruncated) {
  for (const auto& [name, avif] : codecs()) {
    const Bytes bytes = encode_heif(sharp_picture(kSide, kSide), {.avif = avif});
    if (bytes.empty()) continue;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(outcome(bytes, {.pixels_max = kSide * kSide - 1}), "too_large") << name;
    EXPECT_EQ(outcome(bytes, {.pixels_max = kSide * kSide}), "ok") << name;
    for (int tenth = 1; tenth < 10; tenth += 2) {
      EXPECT_EQ(outcome(cut_to(bytes, tenth / 10.0)), "truncated") << name << tenth;
      Bytes zeros = bytes;
      std::fill(zeros.begin() + static_cast<std::ptrdiff_t>(bytes.size()) * tenth / 10, zeros.end(),
                std::uint8_t{0});
      EXPECT_NE(outcome(zeros), "ok") << name << tenth;
    }
    for (std::size_t i = 0; i < bytes.size(); i += 101) {
      Bytes odd = bytes;
      odd[i] ^= 0xA5;
      EXPECT_FALSE(outcome(odd, {.pixels_max = 100'000}).empty());
    }
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << name;
  }
}

std::vector<std::pair<RawKind, std::string>> raw_kinds() {
  return {{RawKind::cr2, "CR2"}, {RawKind::cr3, "CR3"}, {RawKind::nef, "NEF"},
          {RawKind::arw, "ARW"}, {RawKind::dng, "DNG"}, {RawKind::orf, "ORF"},
          {RawKind::raf, "RAF"}, {RawKind::rw2, "RW2"}};
}

RawOptions raw_of(RawKind kind, int orientation = 1) {
  return {kind, encode_jpeg(sharp_picture(160, 120)), encode_jpeg(smooth_picture(40, 30)),
          orientation};
}

TEST(Raw, IsShownByItsLargestPreviewAndSaysSo) {
  for (const auto& [kind, name] : raw_kinds()) {
    const RawOptions options = raw_of(kind);
    const Bytes bytes = encode_raw(options);
    const auto measured = measure_photo(bytes, {}, {});

    ASSERT_TRUE(measured) << name << ": " << measured.error().detail;
    EXPECT_TRUE(measured->preview) << name;
    EXPECT_EQ(measured->width_px, 160) << name;
    EXPECT_EQ(measured->blur_scores.of(BlurMode::full), score(options.preview)) << name;
    EXPECT_EQ(network_input(bytes, 32).pixels, network_input(options.preview, 32).pixels) << name;
    EXPECT_NE(format_name(bytes).find(name), std::string_view::npos) << format_name(bytes);
  }
  EXPECT_FALSE(measure_photo(encode_jpeg(sharp_picture(40, 30)), {}, {})->preview);
}

TEST(Raw, IsTurnedAsTheFileSaysWhereItsPreviewDoesNot) {
  for (const auto& [kind, name] : raw_kinds()) {
    if (kind == RawKind::raf) continue;  // its preview has all of EXIF
    const auto measured = measure_photo(encode_raw(raw_of(kind, 6)), {}, {});
    ASSERT_TRUE(measured) << name;
    EXPECT_EQ(measured->width_px, 120) << name;
  }
  RawOptions own = raw_of(RawKind::nef, 6);
  own.preview = encode_jpeg(sharp_picture(160, 120), {.orientation = 1});
  EXPECT_EQ(measure_photo(encode_raw(own), {}, {})->width_px, 160);
}

TEST(Raw, CutBeforeTheEndOfItsPreviewIsTruncatedAndBehindItClear) {
  for (const auto& [kind, name] : raw_kinds()) {
    const RawOptions options = raw_of(kind);
    const Bytes bytes = encode_raw(options);
    const std::size_t end =
        static_cast<std::size_t>(std::search(bytes.begin(), bytes.end(), options.preview.begin(),
                                             options.preview.end()) -
                                 bytes.begin()) +
        options.preview.size();
    const auto first = [&](std::size_t count) {
      return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    };
    if (kind != RawKind::cr3) {  // a box that is cut is all that is known there
      EXPECT_EQ(score(first(end + 100)), score(options.preview)) << name;
    }
    for (const std::size_t missing : {100U, 2000U, 4000U})
      EXPECT_EQ(outcome(first(end - missing)), "truncated") << name << " without " << missing;
    EXPECT_EQ(outcome(first(end - options.preview.size())), "truncated") << name;
  }
}

TEST(Raw, WithoutAPreviewIsUnsupportedByName) {
  for (const auto& [kind, name] : raw_kinds()) {
    RawOptions options = raw_of(kind);
    options.preview = options.thumbnail = Bytes(50, 0);
    const auto measured = measure_photo(encode_raw(options), {}, {});
    ASSERT_FALSE(measured) << name;
    EXPECT_EQ(measured.error().reason, Reason::unsupported) << name;
    EXPECT_NE(measured.error().detail.find(name), std::string::npos) << measured.error().detail;
  }
}

TEST(Raw, IsCapped) {
  EXPECT_EQ(outcome(encode_raw(raw_of(RawKind::nef)), {.pixels_max = 160 * 120 - 1}), "too_large");
}

TEST(Raw, DamagedAnywhereIsNoCrash) {
  for (const auto& [kind, name] : raw_kinds()) {
    const Bytes bytes = encode_raw(raw_of(kind));
    for (std::size_t i = 0; i < 700; i += 3) {
      Bytes odd = bytes;
      odd[i] ^= 0xFF;
      EXPECT_FALSE(outcome(odd).empty()) << name;
    }
  }
}

}  // namespace
}  // namespace photoscribe
