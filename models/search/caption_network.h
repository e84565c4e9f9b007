// caption_network: a model for captioning, or several as an ensemble: photos in, words out. Private
// to models/.
//
// N photos, S side in pixels, L grid positions, C feature channels of all members side by side.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/search/search.h"

namespace photoscribe {

/// Fails with invalid_config, saying what to do, when `asked` is int8 and a member's encoder is not
/// supported in int8 or has no scales; or as read_int8_scales().
[[nodiscard]] Status check_scales(const StoredModel& model, Precision asked);

class CaptionNetwork {
 public:
  /// `members` are copied to `device` in `type`; nothing of them is kept. Members with identical
  /// encoders share one. Throws std::runtime_error when there is none, when a tensor is missing or
  /// has another shape, or when members do not take the same pixels or know the same words.
  /// `precision` (not automatic) is that of products on a CPU.
  CaptionNetwork(const std::vector<const StoredModel*>& members, const torch::Device& device,
                 torch::ScalarType type, Precision precision = Precision::float32);

  /// images (N,S,S,3), normalised, on the device -> features (N,L,C). Not differentiable.
  [[nodiscard]] torch::Tensor encode(const torch::Tensor& images) const;

  /// CaptionSearch::run() on what encode() gave.
  [[nodiscard]] std::vector<Hypothesis> decode(const torch::Tensor& features,
                                               const SearchSettings& settings) const {
    return search_.run(features, settings);
  }

  /// CaptionSearch::soft_targets() on what encode() gave.
  [[nodiscard]] SoftTargets soft_targets(
      const torch::Tensor& features,
      const std::vector<std::vector<std::vector<std::int64_t>>>& captions,
      std::int64_t count) const {
    return search_.soft_targets(features, captions, count);
  }

  /// How many encoders there are, and what runs them (FastEncoder::backend).
  [[nodiscard]] std::size_t encoders() const noexcept { return encoders_.size(); }
  [[nodiscard]] const char* backend() const noexcept { return encoders_.front().backend(); }

 private:
  struct Parts {
    std::vector<FastEncoder> encoders;
    std::vector<std::size_t> encoder_of;  // of each member
    std::vector<DecoderParameters> decoders;
    EndingRule endings;
  };
  static Parts take_apart(const std::vector<const StoredModel*>& members,
                          const torch::Device& device, torch::ScalarType type, Precision precision);
  CaptionNetwork(Parts parts, Precision precision);

  std::vector<FastEncoder> encoders_;
  std::vector<std::size_t> encoder_of_;
  CaptionSearch search_;
};

}  // namespace photoscribe
