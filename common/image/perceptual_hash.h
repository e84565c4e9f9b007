// perceptual_hash: 64 bits that stay nearly the same when a photo is shrunk, recompressed or made a
// little brighter, and differ in about half for another photo.
#pragma once

#include <cstdint>

#include "common/core/types.h"

namespace photoscribe {

/// The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions",
/// 2010, section 3.2.1: luma at 32 x 32, its two-dimensional DCT-II, of that the 8 x 8 coefficients
/// from (1, 1) on, each compared with their median. Bit 8 v + u, from the lowest, is set where the
/// coefficient of vertical frequency v + 1 and horizontal frequency u + 1 is above it.
///
/// Deviation: shrunk by area in one step, where Zauner smooths by a mean filter of 7 x 7 and then
/// picks pixels. Two hashes are compared by their Hamming distance, std::popcount(a ^ b); it is
/// even, since in each hash 32 bits are set, but for ties.
///
/// `photo` is RGB, of any size from 1 x 1 on; serving gives the network's square input, so photos
/// of unequal shape can be alike.
[[nodiscard]] std::uint64_t perceptual_hash(const DecodedImage& photo);

}  // namespace photoscribe
