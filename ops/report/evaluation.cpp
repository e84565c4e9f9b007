#include "ops/report/evaluation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/scores/chair.h"
#include "common/scores/signature.h"

namespace photoscribe::report {

Evaluator::Evaluator()
    : hypotheses_(words_, Tokenizer::ptb),
      references_(words_, Tokenizer::ptb),
      other_hypotheses_(words_, Tokenizer::ptb) {}

void Evaluator::add(const ResultRow& photo, const std::vector<std::string>& references) {
  if (photo.state == "pending") {
    ++pending_;
    return;
  }
  unsure_ += photo.state == "unsure" ? 1 : 0;
  blurred_ += photo.state == "blurred" ? 1 : 0;
  failed_ += photo.state == "failed" ? 1 : 0;
  const std::string key = std::to_string(photo.image_id);
  Photo one;
  one.image_id = photo.image_id;
  one.captioned = photo.caption.has_value();
  one.shown = photo.state == "done";
  one.confidence = photo.confidence;
  if (photo.caption && photo.confidence)
    one.right = !names_what_is_absent(ObjectLexicon::built_in(), *photo.caption, references);
  const auto root = std::find(roots_.begin(), roots_.end(), photo.root);
  one.root = static_cast<std::size_t>(root - roots_.begin());
  if (root == roots_.end()) roots_.push_back(photo.root);
  one.hypothesis = hypotheses_.add(key, photo.caption.value_or(""));
  one.shown_hypothesis =
      one.captioned && !one.shown ? hypotheses_.add(key + " not shown", "") : one.hypothesis;
  for (const std::string& caption : references) one.reference = references_.add(key, caption);
  captions_ += static_cast<std::int64_t>(references.size());
  fewest_ = std::min(fewest_, references.size());
  most_ = std::max(most_, references.size());
  if (one.shown) by_uri_.emplace(photo.uri, photos_.size());
  photos_.push_back(one);
}

void Evaluator::add_against(const ResultRow& photo) {
  const auto found = by_uri_.find(photo.uri);
  if (found == by_uri_.end() || photo.state != "done") return;
  both_.emplace_back(found->second,
                     other_hypotheses_.add(std::to_string(both_.size()), *photo.caption));
}

std::vector<PhotoScore> Evaluator::scores(const CaptionSet& hypotheses,
                                          const std::vector<ScoredPair>& pairs, int threads) const {
  return score_photos(hypotheses, references_, pairs, frequencies_of(references_, pairs, threads),
                      BleuRule::coco, threads);
}

std::optional<AgainstRun> Evaluator::compare(const std::string& name,
                                             const BootstrapSettings& settings) {
  if (both_.empty()) return std::nullopt;
  other_hypotheses_.group();
  std::vector<ScoredPair> ours, theirs;
  for (const auto& [photo, other] : both_) {
    ours.push_back({photos_[photo].hypothesis, photos_[photo].reference});
    theirs.push_back({other, photos_[photo].reference});
  }
  AgainstRun against;
  against.run = name;
  against.photos = static_cast<std::int64_t>(both_.size());
  against.scores =
      compare_paired(scores(hypotheses_, ours, settings.threads),
                     scores(other_hypotheses_, theirs, settings.threads), BleuRule::coco, settings);
  return against;
}

Expected<Evaluation> Evaluator::finish(const RunRow& run, const ReportOptions& options,
                                       const std::optional<std::string>& against) {
  hypotheses_.group();
  references_.group();
  const BootstrapSettings settings{options.resamples, options.seed, options.threads};
  std::vector<ScoredPair> all, clear, captioned;
  for (const Photo& photo : photos_) {
    all.push_back({photo.shown_hypothesis, photo.reference});
    if (photo.shown) clear.push_back(all.back());
    if (!photo.captioned) continue;
    captioned.push_back({photo.hypothesis, photo.reference});
    place_.emplace(photo.image_id, captioned_.size());
    captioned_.push_back(photo.image_id);
  }
  Evaluation result;
  result.unsure = unsure_;
  result.blurred = blurred_;
  result.failed = failed_;
  result.pending = pending_;
  result.references = captions_;
  ScoreSignature signature;
  signature.version = PHOTOSCRIBE_VERSION;
  signature.references_min = photos_.empty() ? 0 : static_cast<std::int64_t>(fewest_);
  signature.references_max = static_cast<std::int64_t>(most_);
  signature.split = run.split_file.value_or("");
  signature.resamples = options.resamples;
  signature.seed = options.seed;
  signature.chair_objects = ObjectLexicon::built_in().hash();
  const CorpusChair chair(ObjectLexicon::built_in(), words_, hypotheses_, references_);
  const auto line = [&](ScoreLine& into, const char* name, const std::vector<PhotoScore>& photos,
                        const std::vector<ScoredPair>& pairs, std::int64_t dropped,
                        std::int64_t dropped_unsure) {
    into.name = name;
    into.photos = static_cast<std::int64_t>(photos.size());
    signature.photos = into.photos;
    signature.dropped_blurred = dropped;
    signature.dropped_unsure = dropped_unsure;
    into.signature = signature_text(signature);
    if (photos.empty()) return;
    into.score = score_of(photos, BleuRule::coco);
    into.intervals = bootstrap_intervals(photos, BleuRule::coco, settings);
    const auto objects = chair.counts(pairs, options.threads);
    into.chair_counts = sum_of(objects);
    into.chair = chair_score(into.chair_counts);
    into.chair_intervals = chair_intervals(objects, settings);
  };
  captioned_scores_ = scores(hypotheses_, captioned, options.threads);
  if (unsure_ == 0) {
    line(result.clear, "clear photos only", captioned_scores_, captioned, blurred_, 0);
  } else {
    line(result.clear, "captions shown", scores(hypotheses_, clear, options.threads), clear,
         blurred_, unsure_);
    line(result.with_unsure.emplace(), "unsure captions, too", captioned_scores_, captioned,
         blurred_, 0);
  }
  line(result.all, "all photos", scores(hypotheses_, all, options.threads), all, 0, 0);
  for (const PhotoScore& photo : captioned_scores_) result.bleu4.add(bleu(photo.counts)[3]);
  judge_confidence(run.settings.min_confidence, result);
  if (against) {
    result.against = compare(*against, settings);
    if (!result.against) {
      return fail(Errc::usage, "run \"" + run.name + "\" and run \"" + *against +
                                   "\": no photo with references has a caption in both");
    }
  }
  return result;
}

void Evaluator::judge_confidence(double min_confidence, Evaluation& result) const {
  struct Predictions {
    std::vector<double> probabilities;
    std::vector<bool> right;
  };
  Predictions all;
  std::vector<Predictions> of_roots(roots_.size());
  for (const Photo& photo : photos_) {
    if (!photo.captioned || !photo.confidence) continue;
    for (Predictions* predictions : {&all, &of_roots[photo.root]}) {
      predictions->probabilities.push_back(*photo.confidence);
      predictions->right.push_back(photo.right);
    }
  }
  if (all.probabilities.empty()) return;
  result.reliability = reliability_of(all.probabilities, all.right);
  std::set<double> mins{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, min_confidence};
  const std::vector<double> at(mins.begin(), mins.end());
  const auto add = [&](const std::string& name, const Predictions& predictions) {
    if (predictions.probabilities.empty()) return;
    result.precision.push_back({name, static_cast<std::int64_t>(predictions.probabilities.size()),
                                shown_at(predictions.probabilities, predictions.right, at)});
  };
  add("all captions", all);
  if (roots_.size() < 2) return;
  for (std::size_t i = 0; i < roots_.size(); ++i) add(roots_[i], of_roots[i]);
}

const PhotoScore* Evaluator::score_of_photo(std::int64_t image_id) const {
  const auto found = place_.find(image_id);
  return found == place_.end() ? nullptr : &captioned_scores_[found->second];
}

}  // namespace photoscribe::report
