// cells: the LSTM cells of all decoders, in plain LibTorch operations, which are differentiable.
// Private to models/.
//
// N rows, H hidden size.
#pragma once

#include <torch/types.h>

namespace photoscribe {

/// One LSTM cell: gates (N,4H), i f g o before their activations; h and c (N,H) are updated.
void lstm(const torch::Tensor& gates, torch::Tensor& h, torch::Tensor& c);

/// The cell of Rennie et al., CVPR 2017, section 2: gates (N,5H), i f o and two candidate inputs,
/// the larger of which is used as it is.
void maxout_lstm(const torch::Tensor& gates, torch::Tensor& h, torch::Tensor& c);

}  // namespace photoscribe
