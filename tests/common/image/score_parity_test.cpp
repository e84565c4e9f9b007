// The blur score of generated files against OpenCV's own code on the same bytes, format by format.
#include <cmath>
#include <cstdio>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "tests/common/image/check.h"

namespace photoscribe {
namespace {

using namespace testing;

// What design.md 6 names: cv2.Laplacian(gray, CV_64F), then NumPy's var().
double reference_score(const cv::Mat& gray) {
  cv::Mat laplacian;
  cv::Laplacian(gray, laplacian, CV_64F);
  long double sum = 0, squares = 0;
  for (int y = 0; y < laplacian.rows; ++y)
    for (int x = 0; x < laplacian.cols; ++x) sum += laplacian.at<double>(y, x);
  const long double mean = sum / static_cast<long double>(laplacian.total());
  for (int y = 0; y < laplacian.rows; ++y)
    for (int x = 0; x < laplacian.cols; ++x) {
      const long double difference = laplacian.at<double>(y, x) - mean;
      squares += difference * difference;
    }
  return static_cast<double>(squares / static_cast<long double>(laplacian.total()));
}

double opencv_score(const Bytes& bytes) {
  const cv::Mat gray = cv::imdecode(bytes, cv::IMREAD_GRAYSCALE);
  return gray.empty() ? -1 : reference_score(gray);
}

std::vector<NamedBytes> files_of_every_kind() {
  std::vector<NamedBytes> files;
  const auto add = [&](std::string name, Bytes bytes) {
    files.push_back({std::move(name), std::move(bytes)});
  };
  for (const auto& [width, height] :
       {std::pair{161, 117}, {64, 48}, {17, 3}, {1, 1}, {1, 9}, {9, 1}, {2, 2}, {33, 32}}) {
    const DecodedImage picture = sharp_picture(width, height);
    const std::string size = std::to_string(width) + "x" + std::to_string(height);
    add("jpeg " + size, encode_jpeg(picture));
    add("jpeg 4:4:4 " + size, encode_jpeg(picture, {.luma_h = 1, .luma_v = 1}));
    add("jpeg 4:2:2 " + size, encode_jpeg(picture, {.luma_h = 2, .luma_v = 1}));
    add("jpeg 4:4:0 " + size, encode_jpeg(picture, {.luma_h = 1, .luma_v = 2}));
    add("jpeg 4:1:1 " + size, encode_jpeg(picture, {.luma_h = 4, .luma_v = 1}));
    add("jpeg progressive " + size, encode_jpeg(picture, {.progressive = true}));
    add("jpeg restarts " + size, encode_jpeg(picture, {.restart_rows = 1}));
    add("jpeg gray " + size, encode_jpeg(picture, {.colour = JpegColour::gray}));
    add("jpeg rgb " + size, encode_jpeg(picture, {.colour = JpegColour::rgb}));
    add("jpeg cmyk adobe " + size, encode_jpeg(picture, {.colour = JpegColour::cmyk_adobe}));
    add("jpeg cmyk plain " + size, encode_jpeg(picture, {.colour = JpegColour::cmyk_plain}));
    add("jpeg ycck " + size, encode_jpeg(picture, {.colour = JpegColour::ycck}));
    add("jpeg turned " + size, encode_jpeg(picture, {.orientation = 6}));
    add("png " + size, encode_png(picture));
    add("png interlaced " + size, encode_png(picture, {.interlaced = true}));
    add("png 16 " + size, encode_png(picture, {.bits = 16}));
    add("png gray 16 " + size, encode_png(picture, {.colour = PngColour::gray, .bits = 16}));
    add("png gray 8 " + size, encode_png(picture, {.colour = PngColour::gray}));
    add("png gray 4 " + size, encode_png(picture, {.colour = PngColour::gray, .bits = 4}));
    add("png gray 2 " + size, encode_png(picture, {.colour = PngColour::gray, .bits = 2}));
    add("png gray 1 " + size, encode_png(picture, {.colour = PngColour::gray, .bits = 1}));
    add("png palette 8 " + size, encode_png(picture, {.colour = PngColour::palette}));
    add("png palette 4 " + size, encode_png(picture, {.colour = PngColour::palette, .bits = 4}));
    add("png palette 1 " + size, encode_png(picture, {.colour = PngColour::palette, .bits = 1}));
    add("png palette tRNS " + size,
        encode_png(picture, {.colour = PngColour::palette, .palette_transparency = true}));
    add("png rgba " + size, encode_png(picture, {.colour = PngColour::rgba, .alpha = 90}));
    add("png rgba 16 " + size,
        encode_png(picture, {.colour = PngColour::rgba, .bits = 16, .alpha = 90}));
    add("png gray alpha " + size,
        encode_png(picture, {.colour = PngColour::gray_alpha, .alpha = 0}));
    add("png gamma " + size, encode_png(picture, {.gamma = 45455}));
    add("png turned " + size, encode_png(picture, {.orientation = 5}));
    add("png animated " + size, encode_png(picture, {.animated = true}));
    add("webp " + size, encode_webp(picture));
    add("webp lossless " + size, encode_webp(picture, {.lossless = true}));
    add("webp alpha " + size, encode_webp(picture, {.alpha = 100}));
    add("webp turned " + size, encode_webp(picture, {.orientation = 8}));
    add("tiff " + size, encode_tiff(picture));
    add("tiff 16 " + size, encode_tiff(picture, {.bits = 16}));
    add("tiff gray " + size, encode_tiff(picture, {.channels = 1}));
    add("tiff gray 16 " + size, encode_tiff(picture, {.bits = 16, .channels = 1}));
    add("tiff big endian " + size, encode_tiff(picture, {.big_endian = true}));
    add("tiff big " + size, encode_tiff(picture, {.big_tiff = true}));
    add("tiff cmyk " + size, encode_tiff(picture, {.channels = 4}));
    add("tiff alpha " + size, encode_tiff(picture, {.alpha = 100}));
    add("tiff tiled " + size, encode_tiff(picture, {.tiled = true}));
    add("tiff pages " + size, encode_tiff(picture, {.pages = 3}));
    add("tiff lzw " + size, encode_tiff_compressed(picture, TiffCompression::lzw));
    add("tiff deflate " + size, encode_tiff_compressed(picture, TiffCompression::deflate));
    add("bmp " + size, encode_bmp(picture));
    add("bmp top down " + size, encode_bmp(picture, {.top_down = true}));
    add("bmp palette " + size, encode_bmp(picture, {.bits = 8}));
    add("bmp 32 " + size, encode_bmp(picture, {.bits = 32}));
  }
  const Bytes arithmetic = encode_jpeg(sharp_picture(90, 70), {.arithmetic = true});
  if (!arithmetic.empty()) add("jpeg arithmetic", arithmetic);
  return files;
}

TEST(BlurScore, IsOpencvsWithinOnePartInABillionInEveryFormat) {
  double largest = 0;
  int files = 0;
  for (const auto& [name, bytes] : files_of_every_kind()) {
    const double expected = opencv_score(bytes);
    ASSERT_GE(expected, 0) << name << ": OpenCV itself does not read it";
    const auto measured = measure_photo(bytes, {}, {});
    ASSERT_TRUE(measured) << name << ": " << measured.error().detail;
    EXPECT_NEAR(measured->blur_scores.of(BlurMode::full), expected, 1e-9 * expected) << name;
    const auto loaded = load_photo(bytes, 24, {.blur_threshold = 0}, {});
    ASSERT_TRUE(loaded) << name << ": " << loaded.error().detail;
    EXPECT_EQ(loaded->measured.blur_scores.of(BlurMode::full),
              measured->blur_scores.of(BlurMode::full))
        << name;
    if (expected > 0)
      largest = std::max(largest,
                         std::abs(measured->blur_scores.of(BlurMode::full) - expected) / expected);
    ++files;
  }
  std::printf("%d files, largest relative difference %.3g\n", files, largest);
}

TEST(BlurScore, OfAGifIsThatOfItsFirstFrameMadeGrayByOpencv) {
  const DecodedImage picture = sharp_picture(77, 51);
  for (const GifOptions& options :
       {GifOptions{}, GifOptions{.interlaced = true}, GifOptions{.local_palette = true},
        GifOptions{.transparent = 86}, GifOptions{.frames = 3}}) {
    DecodedImage shown = as_gif_shows(picture, options);
    cv::Mat gray;
    cv::cvtColor(cv::Mat(shown.height_px, shown.width_px, CV_8UC3, shown.pixels.data()), gray,
                 cv::COLOR_RGB2GRAY);

    EXPECT_NEAR(score(encode_gif(picture, options)), reference_score(gray),
                1e-9 * reference_score(gray));
  }
}

TEST(BlurScore, OfAnAnimatedWebpIsThatOfItsFirstFrame) {
  const DecodedImage picture = sharp_picture(80, 60);

  EXPECT_EQ(score(encode_webp(picture, {.lossless = true, .animated = true})),
            score(encode_webp(picture, {.lossless = true})));
}

}  // namespace
}  // namespace photoscribe
