#include "models/decoder/cells.h"

#include <ATen/ATen.h>

namespace photoscribe {

using torch::Tensor;

void lstm(const Tensor& gates, Tensor& h, Tensor& c) {
  const auto part = gates.chunk(4, 1);
  c = at::sigmoid(part[1]) * c + at::sigmoid(part[0]) * at::tanh(part[2]);
  h = at::sigmoid(part[3]) * at::tanh(c);
}

void maxout_lstm(const Tensor& gates, Tensor& h, Tensor& c) {
  const auto part = gates.chunk(5, 1);
  c = at::sigmoid(part[1]) * c + at::sigmoid(part[0]) * at::maximum(part[3], part[4]);
  h = at::sigmoid(part[2]) * at::tanh(c);
}

}  // namespace photoscribe
