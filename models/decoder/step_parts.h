// step_parts: what the step networks of several decoders share. Private to models/.
//
// N photos, B rows of each, R = N*B rows; the rest as in decoder.h.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/decoder/decoder.h"
#include "models/decoder/fast_linear.h"

namespace photoscribe {

/// Whether the loops of kernels.h work on `x`.
[[nodiscard]] bool has_kernels(const torch::Tensor& x);

enum class Energy : std::uint8_t { tanh, relu };

/// softmax(energy(keys + query) . v) over L: keys (N,L,A), query (R,A) of a wider row -> (N,B,L).
[[nodiscard]] torch::Tensor attend(const torch::Tensor& keys, const torch::Tensor& query,
                                   const torch::Tensor& v, Energy energy = Energy::tanh);

/// The rows of a step whose state is the same, as for beams with the same parent: what depends on
/// the state alone is computed once. Only if has_kernels().
struct SharedRows {
  /// h (R,H) contiguous, of `photos` photos.
  SharedRows(const torch::Tensor& h, std::int64_t photos);

  torch::Tensor h;                  // (U,H) of the rows that differ
  torch::Tensor unique_row;         // (R) int64: which of those each row is
  std::vector<std::int64_t> photo;  // (U) of each
};
/// As attend() and weigh(), for rows of which photo[r] is the photo: (U,L), and (U,D).
[[nodiscard]] torch::Tensor attend_rows(const torch::Tensor& keys,
                                        const std::vector<std::int64_t>& photo,
                                        const torch::Tensor& query, const torch::Tensor& v,
                                        Energy energy = Energy::tanh);
[[nodiscard]] torch::Tensor weigh_rows(const torch::Tensor& weight, const torch::Tensor& values,
                                       const std::vector<std::int64_t>& photo);

/// `alpha`, if not null, becomes attend()'s weights (N,B,L) of all positions but the last `beside`:
/// (R,L - beside) float32, perhaps a view.
void set_attention(const torch::Tensor& weight, std::int64_t beside, torch::Tensor* alpha);

/// The values (N,L,D) weighted by `weight` (N,B,L), both contiguous -> (R,D).
[[nodiscard]] torch::Tensor weigh(const torch::Tensor& weight, const torch::Tensor& values);

/// context (R,D) contiguous *= sigmoid(gate): gate (R,D) of a wider row.
void gate_context(torch::Tensor& context, const torch::Tensor& gate);

/// One LSTM cell; gates (R,4H) are overwritten, h and c become the next states.
void advance_cell(torch::Tensor& gates, torch::Tensor& h, torch::Tensor& c);

/// The last layer: to log-probabilities of words.
class WordLayer {
 public:
  WordLayer(const WordParameters& p, Precision precision, const ConceptParameters& concepts = {});

  /// From an output vector (R,E) before its tanh.
  [[nodiscard]] torch::Tensor operator()(torch::Tensor& out, const Annotations& a) const;
  /// From the input of the word layer (R,U) as it is.
  [[nodiscard]] torch::Tensor plain(const torch::Tensor& out) const;

 private:
  [[nodiscard]] torch::Tensor log_softmax(torch::Tensor& odds, const torch::Tensor& out,
                                          const Annotations& a) const;

  ConceptParameters concepts_;
  FastLinear word_;
};

}  // namespace photoscribe
