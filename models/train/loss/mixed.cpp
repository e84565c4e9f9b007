#include "models/train/loss/mixed.h"

#include <ATen/ATen.h>

namespace photoscribe {
namespace {

bool in_use = false;

}  // namespace

void use_bfloat16(bool yes) noexcept { in_use = yes; }

bool uses_bfloat16() noexcept { return in_use; }

torch::Tensor for_products(const torch::Tensor& matrix) {
  return in_use ? matrix.to(torch::kBFloat16) : matrix;
}

torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b) {
  return in_use ? at::mm(for_products(a), for_products(b)).to(torch::kFloat32) : at::mm(a, b);
}

torch::Tensor mixed_linear(const torch::Tensor& x, const torch::Tensor& weight,
                           const torch::Tensor& bias) {
  if (!in_use) return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
  const torch::Tensor y = at::linear(for_products(x), for_products(weight)).to(torch::kFloat32);
  return bias.defined() ? y + bias : y;
}

}  // namespace photoscribe
