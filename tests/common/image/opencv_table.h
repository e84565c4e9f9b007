// opencv_table: photos whose blur score OpenCV and NumPy computed in Python, in a table beside
// them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/image/photo.h"

namespace photoscribe::test {

/// Holds every photo of `table` ("name<TAB>score" a line behind a heading; the photos in `folder`)
/// to its score within one part in a billion. Returns how many there were.
inline int hold_against_opencv(const std::filesystem::path& table,
                               const std::filesystem::path& folder) {
  std::ifstream lines(table);
  EXPECT_TRUE(lines) << table;
  std::string line;
  std::getline(lines, line);  // the heading
  int photos = 0;
  double largest = 0;
  while (std::getline(lines, line)) {
    const auto tab = line.find('\t');
    if (tab == std::string::npos) {
      ADD_FAILURE() << table << ": no tab in: " << line;
      return photos;
    }
    const double expected = std::stod(line.substr(tab + 1));
    std::ifstream in(folder / line.substr(0, tab), std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
    const auto measured = measure_photo(bytes, BlurSettings{}, DecodeLimits{});
    if (!measured) {
      ADD_FAILURE() << line << ": " << measured.error().detail;
      continue;
    }
    const double off = std::abs(measured->blur_scores.of(BlurMode::full) - expected);
    EXPECT_LE(off, 1e-9 * expected) << line;
    if (expected > 0) largest = std::max(largest, off / expected);
    ++photos;
  }
  std::printf("%d photos, largest relative difference %.3g\n", photos, largest);
  return photos;
}

}  // namespace photoscribe::test
