// Files that are not as they should be, but lack no pixel of the picture that is used.
#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

DecodedImage picture() { return sharp_picture(120, 90); }

struct Jpeg {
  std::string name;
  Bytes bytes;
};
std::vector<Jpeg> jpegs_of_every_coding() {
  std::vector<Jpeg> files;
  for (const bool progressive : {false, true})
    for (const bool arithmetic : {false, true})
      for (const int restart_rows : {0, 1}) {
        JpegOptions options;
        options.progressive = progressive;
        options.arithmetic = arithmetic;
        options.restart_rows = restart_rows;
        Bytes bytes = encode_jpeg(picture(), options);
        if (bytes.empty()) continue;  // this libjpeg does not write arithmetic coding
        files.push_back({std::string(progressive ? "progressive" : "sequential") +
                             (arithmetic ? " arithmetic" : "") +
                             (restart_rows > 0 ? " with restarts" : ""),
                         std::move(bytes)});
      }
  return files;
}

Bytes without_last(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(count)};
}
Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
const Bytes kEndMarker{0xFF, 0xD9};

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

TEST(LostPixels, OfAJpegAreTruncatedWithOrWithoutAnEndMarker) {
  for (const auto& [name, bytes] : jpegs_of_every_coding())
    for (const double share : {0.4, 0.6, 0.8, 0.95}) {
      EXPECT_EQ(outcome(cut_to(bytes, share)), "truncated") << name << " cut to " << share;
      EXPECT_EQ(outcome(joined(cut_to(bytes, share), kEndMarker)), "truncated")
          << name << " cut to " << share << " and closed";
    }
}

TEST(LostPixels, OfAJpegOverwrittenWithZerosAreTruncated) {
  for (const auto& [name, bytes] : jpegs_of_every_coding())
    for (const bool keeps_end : {false, true}) {
      Bytes damaged = bytes;
      std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(bytes.size() * 7 / 10),
                damaged.end() - (keeps_end ? 2 : 0), std::uint8_t{0});
      EXPECT_EQ(outcome(damaged), "truncated") << name << keeps_end;
    }
}

TEST(LostPixels, OfAProgressiveJpegThatLacksItsLastScansAreTruncated) {
  const Bytes bytes = encode_jpeg(picture(), {.progressive = true});
  std::size_t last_scan = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    if (bytes[i] == 0xFF && bytes[i + 1] == 0xDA) last_scan = i;

  EXPECT_EQ(outcome({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(last_scan)}),
            "truncated");
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

TEST(LostPixels, OfATiffAreTruncatedWhateverItsCompression) {
  for (const bool tiled : {false, true})
    for (const auto compression :
         {TiffCompression::none, TiffCompression::rle, TiffCompression::fax3, TiffCompression::fax4,
          TiffCompression::lzw, TiffCompression::jpeg, TiffCompression::deflate,
          TiffCompression::packbits, TiffCompression::lzma, TiffCompression::zstd,
          TiffCompression::webp}) {
      CompressedTiffOptions options{.compression = compression, .tiled = tiled};
      const bool fax = compression <= TiffCompression::fax4 && compression != TiffCompression::none;
      if (fax) options.bits = options.samples = 1;
      const auto name = static_cast<int>(compression);
      const Bytes bytes = encode_tiff_by_libtiff(picture(), options);
      if (bytes.empty()) continue;  // this libtiff has no such encoder
      EXPECT_EQ(outcome(bytes), "ok") << name;

      for (const double share : {0.0, 0.3, 0.6, 0.8}) {
        options.share_of_last_piece = share;
        EXPECT_EQ(outcome(encode_tiff_by_libtiff(picture(), options)), "truncated")
            << name << " with " << share << " of its last piece, tiled: " << tiled;
      }
      if (compression == TiffCompression::none) continue;  // zeros are black there
      Bytes damaged = bytes;
      const std::size_t end = bytes[4] + 256U * bytes[5];  // the directory follows the pixels
      std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(end / 2),
                damaged.begin() + static_cast<std::ptrdiff_t>(end), std::uint8_t{0});
      EXPECT_EQ(outcome(damaged), "truncated") << name << " overwritten, tiled: " << tiled;
    }
}

TEST(LostPixels, OfATiffThatItsChecksumShowsAreTruncated) {
  const Bytes bytes = encode_tiff_by_libtiff(picture(), {.compression = TiffCompression::deflate});
  for (std::size_t at = 100; at < 3000; at += 333) {
    Bytes damaged = bytes;
    damaged[at] ^= 0x10;
    EXPECT_EQ(outcome(damaged), "truncated") << at;
  }
}

TEST(LostPixels, OfAWebpOverwrittenWithZerosAreTruncated) {
  for (const WebpOptions& options : {WebpOptions{}, WebpOptions{.lossless = true}}) {
    Bytes damaged = encode_webp(picture(), options);
    std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size() / 2), damaged.end(),
              std::uint8_t{0});
    EXPECT_EQ(outcome(damaged), "truncated");
  }
}

}  // namespace
}  // namespace photoscribe
