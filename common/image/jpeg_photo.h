// jpeg_photo: score and network input of a JPEG in one pass. Internal.
//
// Entropy decoding is most of a JPEG's cost and is paid at every scale, so one pass over the stored
// planes (Y for the score, Y, Cb and Cr, each shrunk on its own, for the network) is cheaper than a
// gray decode and a colour decode of the smallest DCT scale (measured: ops/bench/RESULTS.md). A
// score alone takes a gray decode.
#pragma once

#include <cstdint>
#include <span>

#include "common/image/failure.h"

namespace photoscribe::image {

class BlurMeter;

/// What is asked for: a score unless `blur` is null, a network input unless `side_px` is 0; with
/// both, a blurred photo's input is left out.
struct Wanted {
  const BlurSettings* blur = nullptr;
  int side_px = 0;
};

/// After the last row.
void take_scores(const BlurMeter& meter, Measured& measured);

/// `orientation`: what holds for a file that does not say.
[[nodiscard]] Decoded<GatedPhoto> load_jpeg(std::span<const std::uint8_t> bytes,
                                            const Wanted& wanted, const DecodeLimits& limits,
                                            int orientation = 1);

}  // namespace photoscribe::image
