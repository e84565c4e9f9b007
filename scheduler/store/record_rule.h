// record_rule: what becomes of a result that comes in, given what the image has already (design.md
// 4, Recorder; protocol.md Q3 and Q20). A pure function, so that every case can be tested.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/core/types.h"
#include "common/scores/named_objects.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

enum class ImageState : std::uint8_t { pending, done, unsure, blurred, failed };

/// The image as the manifest has it.
struct KnownImage {
  std::int32_t attempt = 1;
  ImageState state = ImageState::pending;
  std::optional<Reason> reason;  // of failed
};

/// The verdict that a result has under the run's settings: always from the scores (design.md 5).
enum class Verdict : std::uint8_t {
  done,
  unsure,  // captioned, but probably wrongly
  blurred,
  failed,
  uncaptioned,  // called blurred by a worker, but clear by the run's rule
};

/// How likely the caption is good; none without a caption, without a model that tells, or when the
/// photo was not measured.
[[nodiscard]] inline std::optional<double> confidence_of(
    const Result& result, const std::optional<ConfidenceModel>& model) {
  const auto* captioned = std::get_if<Captioned>(&result.outcome);
  if (captioned == nullptr || !model || !result.blur_scores) return std::nullopt;
  const Caption& caption = captioned->caption;
  std::vector<NamedObject> objects;
  if (!model->objects.empty()) objects = named_objects(caption.text, caption.concepts);
  return confidence(*model, confidence_features(caption.log_prob, caption.tokens,
                                                result.blur_scores->of(BlurMode::full),
                                                caption.evidence, std::move(objects)));
}

/// `confidence`: confidence_of(result).
[[nodiscard]] inline Verdict verdict_of(const Result& result, const RunSettings& settings,
                                        const std::optional<double>& confidence) {
  if (std::holds_alternative<Failed>(result.outcome)) return Verdict::failed;
  if (result.blur_scores && is_blurred(*result.blur_scores, settings.blur)) return Verdict::blurred;
  if (!std::holds_alternative<Captioned>(result.outcome)) return Verdict::uncaptioned;
  return is_unsure(confidence, settings.min_confidence) ? Verdict::unsure : Verdict::done;
}

/// `image` is none when the run has no such row.
[[nodiscard]] inline RecordOutcome record_rule(const std::optional<KnownImage>& image,
                                               std::int32_t attempt, Verdict verdict) {
  if (!image || attempt > image->attempt) return RecordOutcome::unknown;
  if (attempt < image->attempt) return RecordOutcome::superseded;
  const bool replaceable = image->state == ImageState::failed && image->reason &&
                           is_replaceable(*image->reason) && verdict != Verdict::failed;
  if (image->state != ImageState::pending && !replaceable) return RecordOutcome::duplicate;
  if (verdict == Verdict::uncaptioned) return RecordOutcome::requeued;
  return replaceable ? RecordOutcome::replaced : RecordOutcome::recorded;
}

}  // namespace photoscribe
