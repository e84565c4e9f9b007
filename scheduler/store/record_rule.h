// record_rule: what becomes of a result that comes in, given what the image has already (DESIGN 4,
// Recorder; PROTOCOL settled 3 and 20). A pure function, so that every case can be tested.
#pragma once

#include <cstdint>
#include <optional>

#include "common/core/types.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

enum class ImageState : std::uint8_t { pending, done, blurred, failed };

/// The image as the manifest has it.
struct KnownImage {
  std::int32_t attempt = 1;
  ImageState state = ImageState::pending;
  std::optional<Reason> reason;  // of failed
};

/// The verdict that a result has under the run's mode and threshold: always from the scores (DESIGN
/// 5).
enum class Verdict : std::uint8_t {
  done,
  blurred,
  failed,
  uncaptioned,  // called blurred by a worker, but clear by the run's rule
};

[[nodiscard]] inline Verdict verdict_of(const Result& result, const BlurSettings& blur) {
  if (std::holds_alternative<Failed>(result.outcome)) return Verdict::failed;
  if (result.blur_scores && is_blurred(*result.blur_scores, blur)) return Verdict::blurred;
  return std::holds_alternative<Captioned>(result.outcome) ? Verdict::done : Verdict::uncaptioned;
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
