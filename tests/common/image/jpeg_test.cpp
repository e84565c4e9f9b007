// JPEG: one pass for score and pixels, against libjpeg's and OpenCV's own results; hostile heads.
#include <cmath>
#include <cstdio>
#include <numbers>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

constexpr int kSide = 96;

// The plain way: OpenCV's colour decode (libjpeg's RGB) and its own resize.
DecodedImage plain_way(const Bytes& bytes, int side_px) {
  cv::Mat image = cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  cv::resize(image, image, {side_px, side_px}, 0, 0,
             image.cols >= side_px && image.rows >= side_px ? cv::INTER_AREA : cv::INTER_LINEAR);
  DecodedImage out;
  out.width_px = out.height_px = side_px;
  out.pixels.assign(image.data, image.data + image.total() * 3);
  return out;
}

// Gentle enough that half-resolution chroma does not decide.
DecodedImage waves(int width_px, int height_px) {
  DecodedImage image = smooth_picture(width_px, height_px);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const double x = static_cast<double>(i / 3 % static_cast<std::size_t>(width_px));
    const double ripple = 20 * std::sin(x * std::numbers::pi / 30 + static_cast<double>(i % 3));
    image.pixels[i] = static_cast<std::uint8_t>(std::clamp(image.pixels[i] + ripple, 0.0, 255.0));
  }
  return image;
}

TEST(Jpeg, OfTheNetworksSizeIsLibjpegsRgbToTheLastBit) {
  for (const JpegOptions& options :
       {JpegOptions{}, JpegOptions{.luma_h = 1, .luma_v = 1}, JpegOptions{.luma_v = 1},
        JpegOptions{.luma_h = 1}, JpegOptions{.progressive = true},
        JpegOptions{.colour = JpegColour::gray}, JpegOptions{.colour = JpegColour::rgb}}) {
    const Bytes bytes = encode_jpeg(sharp_picture(kSide, kSide), options);

    EXPECT_EQ(network_input(bytes, kSide).pixels, plain_way(bytes, kSide).pixels);
  }
}

TEST(Jpeg, ResizedByPlanesIsThePlainWaysPicture) {
  double mean = 0;
  int largest = 0;
  for (const auto& [width, height] : {std::pair{500, 375}, {333, 501}, {97, 200}, {60, 50}})
    for (const JpegOptions& options :
         {JpegOptions{}, JpegOptions{.luma_h = 1, .luma_v = 1}, JpegOptions{.luma_v = 1},
          JpegOptions{.colour = JpegColour::gray}, JpegOptions{.colour = JpegColour::rgb}}) {
      const Bytes bytes = encode_jpeg(waves(width, height), options);
      const DecodedImage ours = network_input(bytes, kSide), plain = plain_way(bytes, kSide);
      mean = std::max(mean, mean_difference(ours, plain));
      largest = std::max(largest, largest_difference(ours, plain));
    }
  std::printf("by planes, against RGB then resize: mean %.3f, largest %d levels\n", mean, largest);
  EXPECT_LT(mean, 1);
  EXPECT_LE(largest, 5);
}

TEST(Jpeg, LoadedAtOnceIsWhatTheTwoCallsGive) {
  for (const auto& [width, height] : {std::pair{250, 190}, {kSide, kSide}, {40, 300}})
    for (const JpegOptions& options :
         {JpegOptions{}, JpegOptions{.progressive = true}, JpegOptions{.orientation = 6},
          JpegOptions{.colour = JpegColour::gray}, JpegOptions{.colour = JpegColour::cmyk_adobe},
          JpegOptions{.colour = JpegColour::rgb}}) {
      const Bytes bytes = encode_jpeg(sharp_picture(width, height), options);
      const auto loaded = load_photo(bytes, kSide, {}, {});
      const auto measured = measure_photo(bytes, {}, {});

      ASSERT_TRUE(loaded && measured);
      EXPECT_EQ(loaded->measured.blur_scores.of(BlurMode::full),
                measured->blur_scores.of(BlurMode::full));
      EXPECT_EQ(loaded->measured.width_px, measured->width_px);
      ASSERT_TRUE(loaded->network_input);
      EXPECT_EQ(loaded->network_input->pixels, network_input(bytes, kSide).pixels);
    }
}

TEST(Gate, LeavesOutTheInputOfABlurredPhoto) {
  for (const Bytes& bytes :
       {encode_jpeg(smooth_picture(200, 150)), encode_png(smooth_picture(200, 150)),
        encode_gif(flat_picture(200, 150, 9, 9, 9))}) {
    const auto loaded = load_photo(bytes, kSide, {}, {});

    ASSERT_TRUE(loaded) << loaded.error().detail;
    EXPECT_LT(loaded->measured.blur_scores.of(BlurMode::full), 100);
    EXPECT_FALSE(loaded->network_input);
  }
}

TEST(Gate, TakesAScoreEqualToTheThresholdForClear) {
  const Bytes bytes = encode_jpeg(sharp_picture(80, 80));
  const double exact = score(bytes);

  EXPECT_TRUE(load_photo(bytes, kSide, {.blur_threshold = exact}, {})->network_input);
  EXPECT_FALSE(
      load_photo(bytes, kSide, {.blur_threshold = std::nextafter(exact, 1e9)}, {})->network_input);
}

TEST(Jpeg, OfCmykHasThePhotosColours) {
  const DecodedImage picture = smooth_picture(kSide, kSide);
  for (const auto colour : {JpegColour::cmyk_adobe, JpegColour::cmyk_plain, JpegColour::ycck}) {
    const Bytes bytes = encode_jpeg(picture, {.quality = 98, .colour = colour});

    EXPECT_LT(mean_difference(network_input(bytes, kSide), picture), 3) << static_cast<int>(colour);
  }
}

TEST(Jpeg, WithArithmeticCodingShowsThePhoto) {
  const Bytes bytes = encode_jpeg(sharp_picture(kSide, kSide), {.arithmetic = true});
  if (bytes.empty()) GTEST_SKIP() << "this libjpeg does not write arithmetic coding";

  EXPECT_EQ(network_input(bytes, kSide).pixels,
            network_input(encode_jpeg(sharp_picture(kSide, kSide)), kSide).pixels);
}

TEST(Jpeg, NamedPngOrAnythingElseIsAJpeg) {  // no function here takes a name
  EXPECT_EQ(format_name(encode_jpeg(sharp_picture(8, 8))), "JPEG");
}

TEST(Jpeg, WithAThumbnailAndASecondPictureBehindItIsTheFirst) {
  const DecodedImage picture = sharp_picture(kSide, kSide);
  const Bytes thumbnail = encode_jpeg(flat_picture(16, 16, 255, 0, 0));
  JpegOptions options;
  options.exif = exif_with_orientation(3);
  options.exif.insert(options.exif.end(), thumbnail.begin(), thumbnail.end());
  Bytes bytes = encode_jpeg(picture, options);
  const Bytes second = encode_jpeg(flat_picture(kSide, kSide, 0, 255, 0));
  bytes.insert(bytes.end(), second.begin(), second.end());  // as multi-picture files have it

  EXPECT_EQ(network_input(bytes, kSide).pixels,
            network_input(encode_jpeg(picture, {.orientation = 3}), kSide).pixels);
}

TEST(Jpeg, WithHostileExifIsUprightAndNoCrash) {
  const DecodedImage picture = sharp_picture(64, 48);
  const auto with = [&](Bytes exif) {
    JpegOptions options;
    options.exif = std::move(exif);
    return encode_jpeg(picture, options);
  };
  const Bytes upright = network_input(encode_jpeg(picture), 32).pixels;
  Bytes far = exif_with_orientation(6), many = far, huge_value = far, odd_type = far;
  far[4] = far[5] = far[6] = far[7] = 0xFF;  // the directory lies past everything
  many[8] = many[9] = 0xFF;                  // 65,535 entries that are not there …
  many[10] = 0;                              // … none of them an orientation
  huge_value[18] = huge_value[19] = 0xFF;    // orientation 65,535
  odd_type[12] = 12;                         // a double
  for (const Bytes& exif :
       {Bytes{'I'}, Bytes{'I', 'I', 42, 0}, Bytes{'M', 'M', 0, 42, 0, 0}, exif_with_orientation(0),
        exif_with_orientation(9), far, many, huge_value, odd_type, Bytes(300, 0xFF)})
    EXPECT_EQ(network_input(with(exif), 32).pixels, upright);
  for (std::size_t size = 1; size < 26; ++size) {
    Bytes exif = exif_with_orientation(1);
    exif.resize(size);
    EXPECT_EQ(network_input(with(exif), 32).pixels, upright);
  }
}

TEST(Jpeg, OfManyScansIsABomb) {
  // Progressive scans one after the other: a small file that costs hours in a lenient decoder.
  const Bytes bytes = encode_jpeg(sharp_picture(200, 150), {.progressive = true});
  std::size_t scan = 0, end = 0;
  for (std::size_t i = 2; i + 1 < bytes.size(); ++i)
    if (bytes[i] == 0xFF && bytes[i + 1] == 0xDA) {
      (scan == 0 ? scan : end) = i;
      if (end != 0) break;
    }
  ASSERT_GT(end, scan);
  Bytes bomb(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(scan));
  Bytes header{0xFF, 0xDA, 0x00, 0x0C, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 0, 0};
  std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(scan),
            bytes.begin() + static_cast<std::ptrdiff_t>(scan) + 14, header.begin());
  const Bytes data(bytes.begin() + static_cast<std::ptrdiff_t>(scan) + 14,
                   bytes.begin() + static_cast<std::ptrdiff_t>(end));
  for (int i = 0; i < 2000; ++i) {
    bomb.insert(bomb.end(), header.begin(), header.end());
    bomb.insert(bomb.end(), data.begin(), data.end());
  }
  bomb.insert(bomb.end(), {0xFF, 0xD9});

  EXPECT_EQ(outcome(bomb), "too_large");
}

}  // namespace
}  // namespace photoscribe
