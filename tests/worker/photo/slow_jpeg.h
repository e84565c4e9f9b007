// slow_jpeg: a small file that keeps a real decoder busy for seconds: a hang, as far as a worker's
// time-out is concerned.
#pragma once

#include <cstdint>
#include <string>

namespace photoscribe {

/// A valid progressive JPEG of `side_px` squared grey pixels, whose `scans` scans say almost
/// nothing in a few bytes each; every one of them makes the decoder go over all blocks.
inline std::string slow_jpeg(int side_px, int scans) {
  std::string jpeg;
  const auto put = [&jpeg](std::initializer_list<int> bytes) {
    for (const int byte : bytes) jpeg.push_back(static_cast<char>(byte));
  };
  put({0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0});  // SOI, one quantisation table
  jpeg.append(64, '\x01');
  put({0xFF, 0xC2, 0, 11, 8, side_px >> 8, side_px & 0xFF, side_px >> 8, side_px & 0xFF, 1});
  put({1, 0x11, 0});
  // Huffman tables of one code, "0": DC: no difference; AC: an end-of-band run of 2^14 and more.
  put({0xFF, 0xC4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x00});
  put({0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0});
  const std::int64_t in_a_row = (side_px + 7) / 8, blocks = in_a_row * in_a_row;
  put({0xFF, 0xDA, 0, 8, 1, 1, 0x00, 0, 0, 0});
  jpeg.append(static_cast<std::size_t>((blocks + 7) / 8), '\0');
  // Each run: "0" and fourteen ones, 32,767 blocks.
  std::string scan;
  std::uint32_t bits = 0;
  int held = 0;
  const auto flush = [&] {
    for (; held >= 8; held -= 8) {
      const auto byte = static_cast<char>(bits >> (held - 8));
      scan.push_back(byte);
      if (byte == '\xFF') scan.push_back('\0');
    }
  };
  for (std::int64_t left = blocks; left > 0; left -= 32'767) {
    bits = bits << 15 | 0x3FFF;
    held += 15;
    flush();
  }
  bits = bits << 8 | 0xFF;  // padding
  held += 8;
  flush();
  for (int i = 1; i < scans; ++i) {
    put({0xFF, 0xDA, 0, 8, 1, 1, 0x00, 1, 63, 0});
    jpeg += scan;
  }
  put({0xFF, 0xD9});
  return jpeg;
}

}  // namespace photoscribe
