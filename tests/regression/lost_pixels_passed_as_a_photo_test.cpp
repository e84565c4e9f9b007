// Reported: a photo whose data end early, or were overwritten, was captioned with half of it black.
// What lost pixels is `truncated`, whatever the codec inside.
#include "tests/common/image/check.h"
#include "tests/regression/damaged_photos.h"

namespace photoscribe {
namespace {

using namespace testing;

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
