// JPEGs of every coding, and ways to damage a file.
#pragma once

#include "tests/common/image/check.h"

namespace photoscribe::testing {

inline DecodedImage picture() { return sharp_picture(120, 90); }

struct Jpeg {
  std::string name;
  Bytes bytes;
};
inline std::vector<Jpeg> jpegs_of_every_coding() {
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

inline Bytes without_last(const Bytes& bytes, std::size_t count) {
  return {bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(count)};
}
inline Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline const Bytes kEndMarker{0xFF, 0xD9};

}  // namespace photoscribe::testing
