#include "worker/pipeline/batch_captioner.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace photoscribe {
namespace {
/// Damaged evidence is none, and speaks neither for the caption nor against it.
void keep_what_is_finite(Caption& caption) {
  if (const auto& e = caption.evidence;
      e && !std::isfinite(e->word_log_prob_min + e->beam_agreement + e->mentioned_min +
                          e->unmentioned_max + e->novelty)) {
    caption.evidence.reset();
  }
  std::erase_if(caption.concepts, [](const Concept& one) {
    return one.word.empty() || one.word.size() > kConceptBytesMax ||
           !std::isfinite(one.probability);
  });
  if (caption.concepts.size() > kConceptsMax) caption.concepts.resize(kConceptsMax);
  std::erase_if(caption.alternatives, [](const Alternative& one) {
    return !std::isfinite(one.log_prob) || one.text.size() > kAlternativeBytesMax;
  });
  if (caption.alternatives.size() > kAlternativesMax) caption.alternatives.resize(kAlternativesMax);
  if (caption.attention && !fits(*caption.attention, caption.tokens)) caption.attention.reset();
}
}  // namespace

BatchCaptioner::BatchCaptioner(Captioner& captioner, std::size_t batch_max)
    : captioner_(captioner), batch_now_(std::max<std::size_t>(1, batch_max)) {}

Expected<std::vector<CaptionOutcome>> BatchCaptioner::caption(
    std::span<const DecodedImage* const> batch) {
  std::vector<CaptionOutcome> outcomes(batch.size());
  for (std::size_t begin = 0; begin < batch.size();) {
    const std::size_t size = std::min(batch_now_, batch.size() - begin);
    const auto part = batch.subspan(begin, size);
    if (auto status = caption_part(part, std::span(outcomes).subspan(begin, size)); !status) {
      return fail(status.error());
    }
    begin += size;
  }
  return outcomes;
}

Status BatchCaptioner::caption_part(std::span<const DecodedImage* const> part,
                                    std::span<CaptionOutcome> out) {
  if (part.empty()) return {};
  auto captions = captioner_.caption(part);
  if (captions && captions->size() == part.size()) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      Caption& caption = (*captions)[i];
      if (std::isfinite(caption.log_prob)) {
        keep_what_is_finite(caption);
        out[i] = std::move(caption);
      } else {  // half precision that overflowed, or damaged weights: no caption to be trusted
        Failed failed;
        failed.reason = Reason::model_failure;
        failed.detail = "the network gave a caption whose probability is not a number";
        out[i] = std::move(failed);
      }
    }
    return {};
  }
  if (captions) {
    return fail(Errc::internal, "captioner: " + std::to_string(captions->size()) +
                                    " captions for " + std::to_string(part.size()) + " images");
  }
  const Error error = captions.error();
  if (error.code != Errc::model_failure && error.code != Errc::device_memory) return fail(error);
  if (part.size() == 1) return fail_one(error, out[0]);
  const std::size_t half = part.size() / 2;
  if (error.code == Errc::device_memory) batch_now_ = std::min(batch_now_, half);
  if (auto first = caption_part(part.first(half), out.first(half)); !first) return first;
  return caption_part(part.subspan(half), out.subspan(half));
}

Status BatchCaptioner::fail_one(const Error& error, CaptionOutcome& out) {
  const int side = captioner_.input_side_px();
  DecodedImage grey{side, side, 3, {}};
  grey.pixels.assign(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3, 128);
  const DecodedImage* const probe = &grey;
  if (auto works = captioner_.caption(std::span(&probe, 1)); !works) {
    return fail(
        works.error().code == Errc::device_memory ? Errc::device_memory : Errc::model_failure,
        "the device rejects even a grey image (" + works.error().message +
            ") after: " + error.message);
  }
  Failed failed;
  failed.reason = error.code == Errc::device_memory ? Reason::device_memory : Reason::model_failure;
  failed.detail = error.message;
  out = std::move(failed);
  return {};
}

}  // namespace photoscribe
