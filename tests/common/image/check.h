// check: short words for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/image/photo.h"
#include "tests/common/image/make_images.h"

namespace photoscribe::testing {

/// "ok", or the reason's name.
inline std::string outcome(const Bytes& bytes, const DecodeLimits& limits = {}) {
  const auto loaded = load_photo(bytes, 32, {.blur_threshold = 0}, limits);
  return loaded ? "ok" : std::string(to_string(loaded.error().reason));
}

inline double score(const Bytes& bytes, const BlurSettings& blur = {}) {
  const auto measured = measure_photo(bytes, blur, {});
  EXPECT_TRUE(measured) << (measured ? "" : measured.error().detail);
  return measured ? measured->blur_scores.of(BlurMode::full) : -1;
}

inline DecodedImage network_input(const Bytes& bytes, int side_px) {
  auto input = decode_for_network(bytes, side_px, {});
  EXPECT_TRUE(input) << (input ? "" : input.error().detail);
  return input ? std::move(*input) : DecodedImage{};
}

/// The largest difference of two samples; 256 when the sizes differ.
inline int largest_difference(const DecodedImage& a, const DecodedImage& b) {
  if (a.width_px != b.width_px || a.height_px != b.height_px || a.pixels.size() != b.pixels.size())
    return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(int{a.pixels[i]} - int{b.pixels[i]}));
  return largest;
}

inline double mean_difference(const DecodedImage& a, const DecodedImage& b) {
  if (a.pixels.size() != b.pixels.size() || a.pixels.empty()) return 256;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return sum / static_cast<double>(a.pixels.size());
}

inline Bytes cut_to(const Bytes& bytes, double share) {
  return {bytes.begin(),
          bytes.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(bytes.size()) * share)};
}

}  // namespace photoscribe::testing
