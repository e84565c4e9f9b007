// bmp: a small photo that every decoder reads, for tests of training.
#pragma once

#include <array>
#include <string>

namespace photoscribe::test {

/// A 24-bit BMP, side x side, of one colour, its right half half as bright.
inline std::string bmp(int side, std::array<unsigned char, 3> rgb) {
  const int row = (side * 3 + 3) / 4 * 4, size = 54 + row * side;
  std::string bytes(static_cast<std::size_t>(size), '\0');
  const auto put = [&](std::size_t at, int value) {
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at + i] = static_cast<char>((static_cast<unsigned>(value) >> (8 * i)) & 0xFF);
  };
  bytes[0] = 'B', bytes[1] = 'M';
  put(2, size), put(10, 54), put(14, 40), put(18, side), put(22, side);
  bytes[26] = 1, bytes[28] = 24;
  put(34, row * side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = rgb[static_cast<std::size_t>(2 - c)] / (x < side / 2 ? 1 : 2);
        bytes[static_cast<std::size_t>(54 + y * row + x * 3 + c)] = static_cast<char>(value);
      }
    }
  }
  return bytes;
}

}  // namespace photoscribe::test
