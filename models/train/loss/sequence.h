// sequence: whole captions through the decoder at once, forward and backward. Private to models/.
//
// Rows are sorted by length and packed step after step, so no work is done on padding; what does
// not depend on the previous word is one large product before or after the loop; the gradient of
// the loop is written by hand (a test compares it with LibTorch's own, over reference_step).
//
// N rows, T steps, S words of all rows together; the rest as in decoder.h. Packed arrays hold step
// 0 of all rows, then step 1 of the rows that have one, and so on.
#pragma once

#include <torch/types.h>

#include <vector>

#include "models/decoder/decoder.h"

namespace photoscribe {

/// Where each row's words are in packed order.
struct Packing {
  std::vector<std::int64_t> counts;   // rows alive at each step, descending; counts[0] = N
  std::vector<std::int64_t> offsets;  // of each step's first row in packed order
  std::int64_t total = 0;             // S
};
/// `lengths` in descending order, none below 1.
[[nodiscard]] Packing pack(const std::vector<std::int64_t>& lengths);

struct SequenceOutput {
  torch::Tensor hidden;   // (S,H) input of the word layer
  torch::Tensor context;  // (S,D) that attention gave; undefined without it
  torch::Tensor alpha;    // (S,L); undefined without attention
};

/// The recurrent part. input_gates (S,4H) = words x the (first) LSTM's weight + its bias, packed;
/// the annotations have one row per caption. Differentiable in everything. CPU, float32.
[[nodiscard]] SequenceOutput run_sequence(const AttendTellParameters& p, const Annotations& a,
                                          const torch::Tensor& input_gates, const Packing& packing);
[[nodiscard]] SequenceOutput run_sequence(const TopDownParameters& p, const Annotations& a,
                                          const torch::Tensor& input_gates, const Packing& packing);
[[nodiscard]] SequenceOutput run_sequence(const AttendOnAttendParameters& p, const Annotations& a,
                                          const torch::Tensor& input_gates, const Packing& packing);
[[nodiscard]] SequenceOutput run_sequence(const ShowTellParameters& p, const Annotations& a,
                                          const torch::Tensor& input_gates, const Packing& packing);

/// The row of every packed word: (S) int64.
[[nodiscard]] torch::Tensor row_of_words(const Packing& packing);

/// Sum over the steps of a packed array's rows: (S,L) -> (N,L). Differentiable.
[[nodiscard]] torch::Tensor sum_steps(const torch::Tensor& packed, const Packing& packing);

}  // namespace photoscribe
