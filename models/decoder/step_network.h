// step_network: a decoder for captioning: one word after the other, many rows at once. Private to
// models/.
//
// Everything that depends on no photo is computed beforehand; on a CPU the few loops that matter
// are those of kernels.h and fast_linear.h. A step computes reference_step() of decoder.h, and
// tests compare the two.
//
// N photos, B rows of each, R = N*B rows; the rest as in decoder.h.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "models/decoder/decoder.h"
#include "models/format/precision.h"

namespace photoscribe {

class StepNetwork {
 public:
  virtual ~StepNetwork() = default;
  StepNetwork(const StepNetwork&) = delete;
  StepNetwork& operator=(const StepNetwork&) = delete;

  /// annotate() of decoder.h, without a gradient: features (N,L,C) of N photos. `concepts` (N,M),
  /// if defined, replace the classifier's probabilities.
  [[nodiscard]] virtual Annotations annotate_photos(const torch::Tensor& features,
                                                    const torch::Tensor& concepts = {}) const = 0;

  /// log p of the next word (R,V) float32; -inf for words that are never predicted. tokens (R)
  /// int64; h and c (R,H) become the next states; of `a` only the photos' parts (N,…) are used.
  /// `alpha`, if not null, gets the attention to each position of the grid (R,L) float32, if there
  /// is any: rows add up to 1 minus the attention to concepts beside the grid. An ensemble's is the
  /// mean of its members' shares of the grid, of those whose grids are like the first one's.
  [[nodiscard]] virtual torch::Tensor step(const Annotations& a, const torch::Tensor& tokens,
                                           torch::Tensor& h, torch::Tensor& c,
                                           torch::Tensor* alpha = nullptr) const = 0;

 protected:
  StepNetwork() = default;
};

/// Parameters may lie on any device, float32 or half; `precision` is FastLinear's. One thread at a
/// time.
[[nodiscard]] std::unique_ptr<StepNetwork> make_step_network(
    const DecoderParameters& parameters, Precision precision = Precision::float32);

/// Several decoders together: the next word's probability is the mean of theirs. features (N,L,C)
/// are those of all members' encoders side by side along C. Requires at least one member, and the
/// same words for all.
[[nodiscard]] std::unique_ptr<StepNetwork> make_ensemble(
    const std::vector<DecoderParameters>& members, Precision precision = Precision::float32);

/// Channels of the features that a member of an ensemble takes.
[[nodiscard]] std::int64_t feature_channels_of(const DecoderParameters& member);

}  // namespace photoscribe
