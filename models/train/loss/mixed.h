// mixed: the trainer's large matrix products, in bfloat16 if requested. Private to models/train.
//
// Micikevicius et al., "Mixed Precision Training", ICLR 2018, with bfloat16, which needs no scaling
// of the loss: parameters, sums and element-wise operations stay float32. On a processor with AMX
// or AVX512-BF16 a product takes a quarter to a half of the time; on others it is slower.
#pragma once

#include <torch/types.h>

namespace photoscribe {

/// Process-wide, set once before training. Off by default.
void use_bfloat16(bool yes) noexcept;
[[nodiscard]] bool uses_bfloat16() noexcept;

/// A matrix as input of products: itself, or a bfloat16 copy.
[[nodiscard]] torch::Tensor for_products(const torch::Tensor& matrix);

/// a (M,K) x b (K,N), both float32 or as for_products() gives them -> float32. Not differentiable.
[[nodiscard]] torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b);

/// at::linear() in float32. Differentiable.
[[nodiscard]] torch::Tensor mixed_linear(const torch::Tensor& x, const torch::Tensor& weight,
                                         const torch::Tensor& bias = {});

}  // namespace photoscribe
