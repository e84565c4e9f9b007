#include "common/image/area_resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "common/image/network_input.h"

namespace photoscribe::image {
namespace {

cv::Mat noise(int width, int height, int channels) {
  cv::Mat image(height, width, CV_8UC(channels));
  cv::RNG random(width * 1000 + height);
  random.fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

cv::Mat resized(const cv::Mat& from, int width, int height) {
  cv::Mat to(height, width, from.type());
  AreaResizer resizer({from.cols, from.rows}, from.channels(), {width, height}, to.data);
  for (int y = 0; y < from.rows; ++y) resizer.push(from.ptr(y));
  EXPECT_EQ(resizer.rows_done(), height);
  return to;
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

TEST(AxisPlan, GivesEverySourcePixelTheSameWeightWhenShrinking) {
  for (const auto& [from, to] : {std::pair{500, 224},
                                 {375, 224},
                                 {4000, 224},
                                 {7, 7},
                                 {224, 223},
                                 {1000, 1},
                                 {65535, 512}}) {
    const AxisPlan plan = plan_axis(from, to);
    std::vector<std::uint64_t> weights(static_cast<std::size_t>(from));
    for (const auto& taps : plan.taps) {
      std::uint64_t sum = 0;
      for (int k = 0; k < taps.count; ++k) {
        const std::uint32_t weight = k == 0                ? taps.first_weight
                                     : k == taps.count - 1 ? taps.last_weight
                                                           : plan.inner_weight;
        weights[static_cast<std::size_t>(taps.first + k)] += weight;
        sum += weight;
      }
      EXPECT_EQ(sum, plan.total);
    }
    for (const auto weight : weights) EXPECT_EQ(weight, static_cast<std::uint64_t>(to));
  }
}

// Rows of gray are resampled by vectors where the CPU has them, those of colours by plain code.
TEST(AreaResizer, Issue17GivesTheSameToTheBitForOneChannelAsForThree) {
  for (const int width : {1, 2, 3, 4, 31, 221, 222, 223, 224, 225, 226, 227}) {
    for (const double ratio : {0.5, 1.0, 1.5, 2.0, 3.9, 4.1, 7.9, 8.1, 20.0}) {
      const int from = std::max(1, static_cast<int>(width * ratio));
      const cv::Mat gray = noise(from, 40, 1);
      cv::Mat colours;
      cv::merge(std::vector<cv::Mat>{gray, gray, gray}, colours);
      std::vector<cv::Mat> channels;
      cv::split(resized(colours, width, 20), channels);
      for (const cv::Mat& channel : channels)
        EXPECT_EQ(largest_difference(resized(gray, width, 20), channel), 0)
            << from << " to " << width;
    }
  }
}

TEST(AreaResizer, PassesAPictureOfTheSameSizeUnchanged) {
  for (const auto& [width, height] : {std::pair{224, 224}, {1, 1}, {31, 77}}) {
    const cv::Mat image = noise(width, height, 3);
    EXPECT_EQ(largest_difference(resized(image, width, height), image), 0);
  }
}

TEST(AreaResizer, AgreesWithOpencvsAreaToOneLevelWhenShrinking) {
  double largest = 0;
  for (const auto& [width, height] :
       {std::pair{500, 375}, {375, 500}, {1024, 683}, {448, 448}, {225, 224}, {3000, 300}})
    for (const int channels : {1, 3}) {
      const cv::Mat image = noise(width, height, channels);
      cv::Mat expected;
      cv::resize(image, expected, {224, 224}, 0, 0, cv::INTER_AREA);
      largest = std::max(largest, largest_difference(resized(image, 224, 224), expected));
    }
  std::printf("largest difference from INTER_AREA: %g levels\n", largest);
  EXPECT_LE(largest, 1);
}

TEST(AreaResizer, AgreesWithOpencvsLinearToOneLevelWhenGrowing) {
  double largest = 0;
  for (const auto& [width, height] : {std::pair{100, 75}, {223, 223}, {112, 112}, {1, 1}, {2, 3}}) {
    const cv::Mat image = noise(width, height, 3);
    cv::Mat expected;
    cv::resize(image, expected, {224, 224}, 0, 0, cv::INTER_LINEAR);
    largest = std::max(largest, largest_difference(resized(image, 224, 224), expected));
  }
  std::printf("largest difference from INTER_LINEAR: %g levels\n", largest);
  EXPECT_LE(largest, 1);
}

TEST(AreaResizer, TreatsTheAxesApart) {
  const cv::Mat image = noise(600, 50, 3);
  cv::Mat narrow, expected;
  cv::resize(image, narrow, {224, 50}, 0, 0, cv::INTER_AREA);
  cv::resize(narrow, expected, {224, 224}, 0, 0, cv::INTER_LINEAR);

  EXPECT_LE(largest_difference(resized(image, 224, 224), expected), 2);
}

TEST(AreaResizer, KeepsAConstantConstant) {
  for (const int shade : {0, 1, 127, 254, 255})
    for (const auto& [width, height] :
         {std::pair{4001, 3001}, {300, 20}, {7, 900}, {1, 1}, {65535, 1}}) {
      const cv::Mat image(height, width, CV_8UC1, cv::Scalar(shade));
      EXPECT_EQ(largest_difference(resized(image, 224, 224),
                                   cv::Mat(224, 224, CV_8UC1, cv::Scalar(shade))),
                0);
    }
}

TEST(AreaResizer, KeepsTheMeanToHalfALevel) {
  const cv::Mat image = noise(1777, 1333, 1);

  EXPECT_NEAR(cv::mean(resized(image, 224, 224))[0], cv::mean(image)[0], 0.5);
}

TEST(YcbcrToRgb, RoundsTripsGrays) {
  for (int shade = 0; shade < 256; ++shade) {
    const std::uint8_t ycbcr[3] = {static_cast<std::uint8_t>(shade), 128, 128};
    std::uint8_t rgb[3];
    ycbcr_to_rgb(ycbcr, 1, rgb);
    for (const std::uint8_t value : rgb) EXPECT_EQ(value, shade);
  }
}

}  // namespace
}  // namespace photoscribe::image
