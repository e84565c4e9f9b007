// pixels: normalises the bytes of photos to the numbers that an encoder takes, on a CPU. Private to
// models/.
//
// LibTorch subtracts and divides by three numbers in turn, in a loop of three bytes; this is a
// table.
#pragma once

#include <array>
#include <cstdint>

namespace photoscribe {

class PixelTable {
 public:
  /// mean and std of each channel, of values from 0 to 1 (ModelArchitecture).
  PixelTable(const std::array<double, 3>& mean, const std::array<double, 3>& std);

  /// rgb (pixels,3) -> (byte - 255 mean) / (255 std), bit for bit as LibTorch.
  void normalise(const std::uint8_t* rgb, std::int64_t pixels, float* numbers) const;

 private:
  std::array<std::array<float, 256>, 3> of_;  // by channel and byte
};

}  // namespace photoscribe
