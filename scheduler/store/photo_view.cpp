#include "scheduler/store/photo_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace photoscribe {
namespace {

constexpr std::array<std::pair<std::string_view, PhotoSort>, 7> kSorts{
    {{"added", PhotoSort::added},
     {"path", PhotoSort::path},
     {"date", PhotoSort::date},
     {"finished", PhotoSort::finished},
     {"confidence", PhotoSort::confidence},
     {"blur", PhotoSort::blur},
     {"rank", PhotoSort::rank}}};

bool has_key(PhotoSort sort) {
  return sort != PhotoSort::added && sort != PhotoSort::path && sort != PhotoSort::rank;
}

/// False for NaN where there is a bound.
template <class Number>
bool within(const std::optional<Number>& from, const std::optional<Number>& to, Number value) {
  return (!from || value >= *from) && (!to || value < *to);
}

template <class Each>
void for_each_photo(const std::vector<PhotoNumbers>& photos, const std::vector<std::int64_t>* among,
                    Each&& each) {
  if (among == nullptr) {
    for (const PhotoNumbers& photo : photos) each(photo);
    return;
  }
  for (const std::int64_t id : *among) {
    const auto found = std::lower_bound(
        photos.begin(), photos.end(), id,
        [](const PhotoNumbers& photo, std::int64_t wanted) { return photo.image_id < wanted; });
    if (found != photos.end() && found->image_id == id) each(*found);
  }
}

/// By key, ties by id; keys and ids together.
void sort_view(PhotoView& view, bool descending) {
  std::vector<std::pair<double, std::int64_t>> rows(view.image_ids.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = {view.keys[i], view.image_ids[i]};
  std::sort(rows.begin(), rows.end());
  if (descending) std::reverse(rows.begin(), rows.end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    view.keys[i] = rows[i].first;
    view.image_ids[i] = rows[i].second;
  }
}

}  // namespace

std::optional<PhotoSort> photo_sort_from(std::string_view name) noexcept {
  for (const auto& [text, sort] : kSorts) {
    if (text == name) return sort;
  }
  return std::nullopt;
}

bool matches(const PhotoFilter& filter, const PhotoNumbers& photo) noexcept {
  if (photo.vanished != filter.vanished) return false;
  if (!filter.states.empty() &&
      std::find(filter.states.begin(), filter.states.end(), photo.state) == filter.states.end()) {
    return false;
  }
  if (filter.reason && (photo.state != ImageState::failed ||
                        photo.reason != static_cast<std::uint8_t>(*filter.reason))) {
    return false;
  }
  if (filter.near_duplicates && !photo.near_duplicate) return false;
  return within(filter.since_unix_s, filter.until_unix_s, photo.modified_unix_s) &&
         within(filter.confidence_min, filter.confidence_max, photo.confidence) &&
         within(filter.blur_min, filter.blur_max, photo.blur_score);
}

double sort_key(PhotoSort sort, const PhotoNumbers& photo) noexcept {
  switch (sort) {
    case PhotoSort::date:
      return photo.modified_unix_s;
    case PhotoSort::finished:
      return photo.finished_unix_s == 0 ? std::nan("") : photo.finished_unix_s;
    case PhotoSort::confidence:
      return static_cast<double>(photo.confidence);
    case PhotoSort::blur:
      return static_cast<double>(photo.blur_score);
    case PhotoSort::added:
    case PhotoSort::path:
    case PhotoSort::rank:
      break;
  }
  return 0;
}

PhotoView make_view(const PhotoIndex& index, const PhotoFilter& filter,
                    const std::vector<std::int64_t>* among) {
  return index.read([&](const std::vector<PhotoNumbers>& photos, std::int64_t version) {
    PhotoView view;
    view.version = version;
    const bool keyed = has_key(filter.sort);
    for_each_photo(photos, among, [&](const PhotoNumbers& photo) {
      if (!matches(filter, photo)) return;
      if (keyed) {
        const double key = sort_key(filter.sort, photo);
        if (std::isnan(key)) return;
        view.keys.push_back(key);
      }
      view.image_ids.push_back(photo.image_id);
    });
    if (keyed) {
      sort_view(view, filter.descending);
    } else if (filter.descending) {
      std::reverse(view.image_ids.begin(), view.image_ids.end());
    }
    return view;
  });
}

ThresholdCounts count_threshold(const PhotoIndex& index, double threshold) {
  return index.read([&](const std::vector<PhotoNumbers>& photos, std::int64_t) {
    ThresholdCounts counts;
    counts.histogram.resize(kBlurBins);
    for (const PhotoNumbers& photo : photos) {
      if (std::isnan(photo.blur_score) || photo.vanished) continue;
      const auto score = static_cast<double>(photo.blur_score);
      const bool blurred = score < threshold;
      ++(blurred ? counts.below : counts.clear);
      if (blurred && (photo.state == ImageState::done || photo.state == ImageState::unsure)) {
        ++counts.would_blur;
      }
      if (!blurred && photo.state == ImageState::blurred) ++counts.would_clear;
      const double place = std::log10(std::max(score, 1.0)) / 5 * static_cast<double>(kBlurBins);
      ++counts.histogram[std::min(static_cast<std::size_t>(place), kBlurBins - 1)];
    }
    return counts;
  });
}

}  // namespace photoscribe
