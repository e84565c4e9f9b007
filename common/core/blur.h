// blur: the blur check's settings and scores. What the numbers are is in common/image/blur_score.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace photoscribe {

/// Which number decides whether a photo is blurred (design.md 6).
enum class BlurMode : std::uint8_t {
  full,        // variance of the Laplacian of the whole photo at full resolution
  normalised,  // of the photo shrunk to `normalised_side_px`
  tile_max,    // the largest variance of square tiles: portraits with a soft background pass
  edges,       // the steepest edges of the weakest direction at a fixed size, less the noise
  learned,     // 100 x the probability that it is clear, by a model fitted on labelled photos
};
inline constexpr std::array kBlurModes{BlurMode::full, BlurMode::normalised, BlurMode::tile_max,
                                       BlurMode::edges, BlurMode::learned};
[[nodiscard]] std::string_view to_string(BlurMode mode) noexcept;

/// The default threshold. Of mode learned: of 240 photos by cameras it rejects 1.4 % of
/// the clear ones that a fit did not see and catches 89 % of the blurred ones
/// (ops/bench/RESULTS.md).
[[nodiscard]] constexpr double default_blur_threshold(BlurMode mode) noexcept {
  return mode == BlurMode::learned ? 20.0 : 100.0;
}

struct BlurSettings {
  BlurMode mode = BlurMode::full;
  double blur_threshold = 100.0;  // of the mode's score; below it the photo is not captioned
  int normalised_side_px = 512;   // longer side after shrinking, mode normalised
  int tile_px = 256;              // mode tile_max
  bool operator==(const BlurSettings&) const = default;
};

/// A photo's score in every mode, so that another mode can judge it later. Grey levels squared; of
/// mode edges grey levels, of mode learned per cent.
struct BlurScores {
  std::array<double, kBlurModes.size()> by_mode{};  // in the order of kBlurModes
  [[nodiscard]] constexpr double of(BlurMode mode) const noexcept {
    return by_mode[static_cast<std::size_t>(mode)];
  }
  bool operator==(const BlurScores&) const = default;
};

/// The verdict: true means invalid, no caption. A score equal to the threshold is clear.
[[nodiscard]] constexpr bool is_blurred(const BlurScores& scores,
                                        const BlurSettings& blur) noexcept {
  return scores.of(blur.mode) < blur.blur_threshold;
}

}  // namespace photoscribe
