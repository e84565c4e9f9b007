// blur_evidence: what blur mode `learned` knows about a photo, and the small model that judges it.
//
// The evidence is seven numbers, most of them ratios between scales, so that contrast and
// brightness cancel: in a sharp photo the steepest change in a tile is about as steep at a fine
// scale as at a coarse one, in a blurred photo it is much smaller (as the re-blur measure of Crete
// et al., "The blur effect", SPIE 2007, and the edge width of Marziliano et al., ICIP 2002, but for
// tiles and without looking for edges). The model is a logistic regression on them, their squares
// and products; its numbers, and how they were fitted, are in blur_model.txt.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "common/image/area_resize.h"

namespace photoscribe::image {

/// Longer side that mode `learned` shrinks a photo to; a smaller one keeps its size.
inline constexpr int kLearnedSidePx = 640;

/// Tiles are those of blur_tiles.h, without the picture's outer ring, frames of one shade, and what
/// touches them. Busy tiles are those of the strongest second differences at the third scale.
/// "Fine" is the first scale, the picture's own. `r(a, b)` of a tile and a direction is (A + 4) /
/// (B + 4), A and B its largest second differences at the scales a and b; `r'` the same less what
/// noise alone would give: the noise's standard deviation (at the tile in whose tenth it is least)
/// times the largest second difference that so many samples of normal noise are expected to have.
enum class Evidence : std::uint8_t {
  busy_24,      // log of r'(2, 4): median of the 30 % busiest tiles, of the weakest direction
  busiest_24,   // the same of the 10 % busiest
  tails,        // log of largest to mean second difference at the second scale, median: heavy tails
  fine_12,      // log of r(1, 2): lower quartile of the 30 % busiest, of the weakest direction
  fine_13,      // log of r(1, 3), the same
  contrast,     // log of the third scale's second differences less noise, 95 % of tiles are below
  small_edges,  // log of mode edges' score + 5: at 256 px noise and grain are averaged away
};
inline constexpr std::size_t kEvidences = 7;
using BlurEvidence = std::array<double, kEvidences>;
/// As blur_model.txt has them.
[[nodiscard]] std::string_view to_string(Evidence evidence) noexcept;

/// Of rows of `size.width_px` gray bytes without padding, and the photo's score in mode edges. None
/// when there is nothing to see: a side under two tiles, or not one edge above 6 grey levels.
[[nodiscard]] std::optional<BlurEvidence> blur_evidence(const std::uint8_t* gray, Size size,
                                                        double edges_score);

/// Logistic regression on the evidence made comparable, (value - mean) / deviation, on its squares
/// and on its products two by two.
struct BlurModel {
  BlurEvidence mean{}, deviation{};
  double bias = 0;
  BlurEvidence linear{};
  std::array<BlurEvidence, kEvidences> product{};  // [i][j], j <= i; squares where j is i
};

/// The text form: lines `evidence NAME MEAN DEVIATION WEIGHT`, `product NAME NAME WEIGHT` and
/// `bias WEIGHT`; what follows # is a comment. Fails with invalid_config.
[[nodiscard]] Expected<BlurModel> parse_blur_model(std::string_view text);

/// blur_model.txt, as it was when this was built.
[[nodiscard]] const BlurModel& blur_model();
[[nodiscard]] std::string_view blur_model_text();

/// (value - mean) / deviation of evidence i, within 3.5: beyond what the model was fitted on its
/// squares would run away.
[[nodiscard]] double comparable(const BlurModel& model, const BlurEvidence& evidence,
                                std::size_t i) noexcept;

/// The probability that a photo is clear, in per cent: 0 to 100, higher is sharper. It is one where
/// as many photos are blurred as are clear; archives have fewer blurred ones.
[[nodiscard]] double clear_percent(const BlurModel& model, const BlurEvidence& evidence);

}  // namespace photoscribe::image
