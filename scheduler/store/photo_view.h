// photo_view: which photos a page lists, in which order: filters and sorts as values, and the list
// that they make of a PhotoIndex. Pure but for the index.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/store/photo_index.h"

namespace photoscribe {

enum class PhotoSort : std::uint8_t {
  added,       // to the database
  path,        // root by root
  date,        // the file's
  finished,    // when it got its result; those without one are left out
  confidence,  // photos without a caption are left out
  blur,        // photos that were not measured are left out
  rank,        // of a search, best first
};
[[nodiscard]] std::optional<PhotoSort> photo_sort_from(std::string_view name) noexcept;

/// What a page asks for. Members that are none or empty ask for nothing.
struct PhotoFilter {
  std::vector<ImageState> states;
  std::optional<Reason> reason;
  std::optional<std::int32_t> since_unix_s, until_unix_s;  // of the file's date; until is left out
  std::optional<float> confidence_min, confidence_max;     // max is left out
  std::optional<float> blur_min, blur_max;                 // max is left out
  bool near_duplicates = false;
  bool vanished = false;  // those, which are not listed else
  PhotoSort sort = PhotoSort::added;
  bool descending = false;
};

[[nodiscard]] bool matches(const PhotoFilter& filter, const PhotoNumbers& photo) noexcept;

/// What a sort compares; NaN: the photo is left out.
[[nodiscard]] double sort_key(PhotoSort sort, const PhotoNumbers& photo) noexcept;

struct PhotoView {
  std::vector<std::int64_t> image_ids;
  std::vector<double> keys;  // of each, where the sort has one
  std::int64_t version = 0;  // of the index
};

/// `among`: only these, in this order (a folder, a search, the edited ones), which sorts added,
/// path and rank keep; none: all.
[[nodiscard]] PhotoView make_view(const PhotoIndex& index, const PhotoFilter& filter,
                                  const std::vector<std::int64_t>* among);

/// What another threshold would change, of photos with a score.
struct ThresholdCounts {
  std::int64_t below = 0, clear = 0;    // at that threshold
  std::int64_t would_blur = 0;          // clear now: their captions would be taken back
  std::int64_t would_clear = 0;         // blurred now: to be captioned
  std::vector<std::int64_t> histogram;  // by the score's logarithm: kBlurBins of 10^0 … 10^5
};
inline constexpr std::size_t kBlurBins = 100;
[[nodiscard]] ThresholdCounts count_threshold(const PhotoIndex& index, double threshold);

}  // namespace photoscribe
