// gallery: the photos of a run worth a look: best and worst, most and least confident, most blurred
// and just clear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ops/report/evaluation.h"
#include "ops/report/report.h"

namespace photoscribe::report {

/// The `count` photos with the smallest keys; ties go to the lower image id.
class Picks {
 public:
  explicit Picks(std::size_t count) : count_(count) {}
  void offer(double key, std::int64_t image_id);
  /// Smallest key first.
  [[nodiscard]] std::vector<std::int64_t> ids() const;

 private:
  std::size_t count_;
  std::set<std::pair<double, std::int64_t>> kept_;
};

/// Probability that the caption is right, if the model gives it; else the geometric mean
/// probability of a word, end of sentence included. In (0, 1].
[[nodiscard]] std::optional<double> confidence_of(const ResultRow& photo);

class GalleryBuilder {
 public:
  explicit GalleryBuilder(std::size_t photos_each);

  /// First pass: every photo that the run was asked for.
  void offer(const ResultRow& photo);
  /// After the first pass, if there are references: those that scored best and worst.
  void offer_scores(const Evaluator& scores);

  /// Galleries of an image, in the page's order; empty if it is in none.
  [[nodiscard]] std::vector<std::string> galleries_of(std::int64_t image_id) const;
  /// Rank of a photo in the page's initial order, gallery by gallery.
  [[nodiscard]] std::size_t rank_of(std::int64_t image_id) const;
  /// Call after the last offer, before the two above.
  void settle();

 private:
  Picks best_, worst_, most_confident_, least_confident_, blurred_, just_clear_;
  std::map<std::int64_t, std::pair<std::size_t, std::vector<std::string>>> chosen_;
};

}  // namespace photoscribe::report
