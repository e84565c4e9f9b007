#include "ops/report/gallery.h"

#include <cmath>
#include <iterator>

namespace photoscribe::report {

void Picks::offer(double key, std::int64_t image_id) {
  if (std::isnan(key) || count_ == 0) return;
  kept_.emplace(key, image_id);
  if (kept_.size() > count_) kept_.erase(std::prev(kept_.end()));
}

std::vector<std::int64_t> Picks::ids() const {
  std::vector<std::int64_t> all;
  for (const auto& [key, image_id] : kept_) all.push_back(image_id);
  return all;
}

std::optional<double> confidence_of(const ResultRow& photo) {
  if (photo.confidence) return photo.confidence;
  if (!photo.log_prob || !photo.tokens) return std::nullopt;
  return std::exp(*photo.log_prob / static_cast<double>(*photo.tokens + 1));
}

GalleryBuilder::GalleryBuilder(std::size_t photos_each)
    : best_(photos_each),
      worst_(photos_each),
      most_confident_(photos_each),
      least_confident_(photos_each),
      blurred_(photos_each),
      just_clear_(photos_each) {}

void GalleryBuilder::offer(const ResultRow& photo) {
  if (const auto confidence = confidence_of(photo)) {
    most_confident_.offer(-*confidence, photo.image_id);
    least_confident_.offer(*confidence, photo.image_id);
  }
  if (!photo.blur_score) return;
  if (photo.state == "blurred") blurred_.offer(*photo.blur_score, photo.image_id);
  if (photo.caption) just_clear_.offer(*photo.blur_score, photo.image_id);
}

void GalleryBuilder::offer_scores(const Evaluator& scores) {
  for (const std::int64_t image_id : scores.captioned()) {
    const PhotoScore& score = *scores.score_of_photo(image_id);
    best_.offer(-score.cider_d, image_id);
    worst_.offer(score.cider_d + score.rouge_l, image_id);  // CIDEr-D of many is exactly 0
  }
}

void GalleryBuilder::settle() {
  const std::pair<const char*, const Picks*> all[] = {{"best", &best_},
                                                      {"worst", &worst_},
                                                      {"most confident", &most_confident_},
                                                      {"least confident", &least_confident_},
                                                      {"most blurred", &blurred_},
                                                      {"just clear", &just_clear_}};
  std::size_t rank = 0;
  for (const auto& [name, picks] : all) {
    for (const std::int64_t image_id : picks->ids()) {
      auto& [place, names] = chosen_[image_id];
      if (names.empty()) place = rank++;
      names.emplace_back(name);
    }
  }
}

std::vector<std::string> GalleryBuilder::galleries_of(std::int64_t image_id) const {
  const auto found = chosen_.find(image_id);
  return found == chosen_.end() ? std::vector<std::string>() : found->second.second;
}

std::size_t GalleryBuilder::rank_of(std::int64_t image_id) const {
  return chosen_.at(image_id).first;
}

}  // namespace photoscribe::report
