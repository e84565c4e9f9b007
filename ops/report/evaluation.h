// evaluation: scores the photos of a run that have references: all of them, the captioned ones, and
// against another run. Captions are tokenised as they are added, so memory grows only with the
// words of the scored photos.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/scores/caption_set.h"
#include "common/scores/token_table.h"
#include "ops/report/report.h"

namespace photoscribe::report {

class Evaluator {
 public:
  Evaluator();

  /// One photo of the run and its references (not empty). A pending one is only counted.
  void add(const ResultRow& photo, const std::vector<std::string>& references);
  /// A photo of the other run; ignored unless add() had it with a caption that is shown.
  void add_against(const ResultRow& photo);

  [[nodiscard]] bool empty() const { return photos_.empty() && pending_ == 0; }

  /// Call once, after the last add; before the functions below.
  [[nodiscard]] Expected<Evaluation> finish(const RunRow& run, const ReportOptions& options,
                                            const std::optional<std::string>& against);

  /// Scores of a captioned photo among the captioned ones; none for others.
  [[nodiscard]] const PhotoScore* score_of_photo(std::int64_t image_id) const;
  /// Image ids of the captioned photos, in the order of their scores.
  [[nodiscard]] const std::vector<std::int64_t>& captioned() const { return captioned_; }

 private:
  struct Photo {
    std::int64_t image_id = 0;
    bool captioned = false, shown = false;
    std::optional<double> confidence;
    bool right = false;    // names nothing that no reference names; set if confidence is
    std::size_t root = 0;  // in roots_
    std::uint32_t hypothesis = 0, reference = 0;
    std::uint32_t shown_hypothesis = 0;  // an empty caption unless one is shown
  };
  [[nodiscard]] std::vector<PhotoScore> scores(const CaptionSet& hypotheses,
                                               const std::vector<ScoredPair>& pairs,
                                               int threads) const;
  /// Reliability and precision of the confidence.
  void judge_confidence(double min_confidence, Evaluation& result) const;
  [[nodiscard]] std::optional<AgainstRun> compare(const std::string& name,
                                                  const BootstrapSettings& settings);

  TokenTable words_;
  CaptionSet hypotheses_, references_, other_hypotheses_;
  std::vector<Photo> photos_;
  std::vector<std::string> roots_;
  std::unordered_map<std::string, std::size_t> by_uri_;      // index in photos_ of shown ones
  std::vector<std::pair<std::size_t, std::uint32_t>> both_;  // photos_, other_hypotheses_
  std::vector<std::int64_t> captioned_;
  std::vector<PhotoScore> captioned_scores_;
  std::unordered_map<std::int64_t, std::size_t> place_;  // of an image id in captioned_
  std::int64_t unsure_ = 0, blurred_ = 0, failed_ = 0, pending_ = 0, captions_ = 0;
  std::size_t fewest_ = SIZE_MAX, most_ = 0;  // references per photo
};

}  // namespace photoscribe::report
