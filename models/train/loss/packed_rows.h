// packed_rows: parts of packed arrays, for the sequences with hand-written gradients. Private to
// models/train. The letters are those of sequence.h.
#pragma once

#include <torch/types.h>

#include "models/train/loss/sequence.h"

namespace photoscribe {

[[nodiscard]] inline torch::Tensor rows(const torch::Tensor& packed, std::int64_t first,
                                        std::int64_t count) {
  return packed.narrow(0, first, count);
}

/// Row r of step t reads the state after step t-1, which is that step's row r (t = 0: start's).
[[nodiscard]] torch::Tensor previous(const torch::Tensor& packed, const torch::Tensor& start,
                                     const Packing& packing, std::size_t t);

/// previous() of all steps: (S,X).
[[nodiscard]] torch::Tensor all_previous(const torch::Tensor& packed, const torch::Tensor& start,
                                         const Packing& packing);

/// (S,X) packed -> (N,T,X) with zeros after each row's end.
[[nodiscard]] torch::Tensor pad(const torch::Tensor& packed, const Packing& packing);

/// What attention's gradient needs of the forward pass, packed.
struct AttentionTrace {
  torch::Tensor t, alpha, context;  // (S*L,A) (S,L) (S,D)
};
/// Additive attention of one step: rows at `at`, `count` of them, whose queries are the first A
/// columns of query (count,W). keys (N,L,A), values (N,L,D), score (A). Fills the rows of `trace`.
void attend_step(const AttentionTrace& trace, const torch::Tensor& keys,
                 const torch::Tensor& values, const torch::Tensor& score,
                 const torch::Tensor& query, std::int64_t at);
/// Its gradient: of d_context (count,D) and d_alpha (S,L). Writes the rows of d_score (S,L) and the
/// first A columns of d_query (count,W), adds to d_keys (N,L,A). The gradients of the values and of
/// `score` are one product each after the loop.
void attend_step_backward(const AttentionTrace& trace, const torch::Tensor& values,
                          const torch::Tensor& score, const torch::Tensor& d_context,
                          const torch::Tensor& d_alpha, std::int64_t at,
                          const torch::Tensor& d_score, const torch::Tensor& d_query,
                          torch::Tensor& d_keys);

/// The packing whose steps have these rows.
[[nodiscard]] Packing pack_counts(std::vector<std::int64_t> counts);

}  // namespace photoscribe
