// Reported: whole photos came out as `truncated`, for a missing end marker, trailing bytes, or
// damage behind their last pixel. Whatever costs no pixel of the picture costs nothing.
#include "tests/common/image/check.h"
#include "tests/regression/damaged_photos.h"

namespace photoscribe {
namespace {

using namespace testing;

TEST(WholePhoto, AJpegWithoutItsEndMarkerIsClear) {
  for (const auto& [name, bytes] : jpegs_of_every_coding())
    for (const std::size_t lost : {1U, 2U})
      EXPECT_EQ(score(without_last(bytes, lost)), score(bytes)) << name << " lost " << lost;
}

TEST(WholePhoto, AJpegWithPaddingBeforeItsEndMarkerIsClear) {
  for (const auto& [name, bytes] : jpegs_of_every_coding())
    for (const std::size_t padding : {3U, 200U, 5000U}) {
      const Bytes padded = joined(joined(without_last(bytes, 2), Bytes(padding, 0)), kEndMarker);
      EXPECT_EQ(score(padded), score(bytes)) << name << " padded by " << padding;
    }
}

TEST(WholePhoto, AJpegWithAPhonesTrailerBehindItIsClear) {
  Bytes trailer(3000, 0);
  for (std::size_t i = 0; i < trailer.size(); ++i) trailer[i] = static_cast<std::uint8_t>(i * 7);
  for (const auto& [name, bytes] : jpegs_of_every_coding())
    EXPECT_EQ(score(joined(bytes, trailer)), score(bytes)) << name;
}

TEST(WholePhoto, AJpegWithStrayBytesBetweenItsHeaderSegmentsIsClear) {
  for (const auto& [name, bytes] : jpegs_of_every_coding()) {
    const std::size_t second = 4U + 256U * bytes[4] + bytes[5];  // behind the first segment
    for (const std::size_t stray : {1U, 300U}) {
      Bytes odd = bytes;
      odd.insert(odd.begin() + static_cast<std::ptrdiff_t>(second), stray, 0x41);
      EXPECT_EQ(score(odd), score(bytes)) << name << " with " << stray;
    }
  }
}

TEST(WholePhoto, AGifWithoutItsTrailerIsClear) {
  for (const GifOptions& options : {GifOptions{}, GifOptions{.interlaced = true}}) {
    const Bytes bytes = encode_gif(picture(), options);
    EXPECT_EQ(score(without_last(bytes, 1)), score(bytes));
    EXPECT_EQ(score(without_last(bytes, 2)), score(bytes)) << "without the end of its blocks";
    EXPECT_EQ(outcome(without_last(bytes, 40)), "truncated");
  }
}

TEST(WholePhoto, AGifWithADamagedSecondFrameIsClear) {
  const Bytes one = encode_gif(picture()), two = encode_gif(picture(), {.frames = 2});
  for (std::size_t i = one.size() + 10; i < two.size(); i += 7) {
    Bytes damaged = two;
    damaged[i] ^= 0xFF;
    EXPECT_EQ(score(damaged), score(one)) << i;
  }
  EXPECT_EQ(score(without_last(two, (two.size() - one.size()) / 2)), score(one));
}

TEST(WholePhoto, APngWithoutItsLastChunkIsClear) {
  for (const PngOptions& options : {PngOptions{}, PngOptions{.interlaced = true},
                                    PngOptions{.colour = PngColour::rgba, .alpha = 90}}) {
    const Bytes bytes = encode_png(picture(), options);
    EXPECT_EQ(score(without_last(bytes, 12)), score(bytes));
    EXPECT_EQ(outcome(without_last(bytes, 200)), "truncated");
  }
}

TEST(WholePhoto, AnAnimatedWebpThatIsCutBehindItsFirstFrameIsClear) {
  const Bytes bytes = encode_webp(picture(), {.animated = true});

  EXPECT_EQ(score(cut_to(bytes, 0.8)), score(bytes));
  EXPECT_EQ(outcome(cut_to(bytes, 0.3)), "truncated");
}

TEST(WholePhoto, ATiffWhoseByteCountReachesPastTheFileIsClear) {
  constexpr std::uint16_t kStripBytes = 279, kTileBytes = 325;
  for (const bool tiled : {false, true})
    for (const auto compression :
         {TiffCompression::none, TiffCompression::lzw, TiffCompression::packbits}) {
      const Bytes bytes =
          encode_tiff_by_libtiff(picture(), {.compression = compression, .tiled = tiled});
      Bytes odd = bytes;
      set_last_value(odd, tiled ? kTileBytes : kStripBytes, 60'000);
      EXPECT_EQ(score(odd), score(bytes)) << tiled << static_cast<int>(compression);
    }
}

}  // namespace
}  // namespace photoscribe
