// cells: what the LSTMs of all decoders do with their gates, in plain LibTorch operations, which
// have a gradient. Private to models/.
//
// N rows, H hidden size.
#pragma once

#include <torch/types.h>

namespace photoscribe {

/// One LSTM cell: gates (N,4H), i f g o before their activations; h and c (N,H) become the next.
void lstm(const torch::Tensor& gates, torch::Tensor& h, torch::Tensor& c);

/// The cell of Rennie et al., CVPR 2017, section 2: gates (N,5H), i f o and two inputs, the larger
/// of which goes in as it is.
void maxout_lstm(const torch::Tensor& gates, torch::Tensor& h, torch::Tensor& c);

}  // namespace photoscribe
