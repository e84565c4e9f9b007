// silu: the activation of EfficientNets, x / (1 + exp(-x)) (Ramachandran et al. 2017, "Swish"),
// over arrays. Private to models/.
//
// Fused into oneDNN's convolutions (2.6) it takes 1.3 ns a number, most of an EfficientNet's time;
// a separate pass over what is still in the caches takes 0.24 to 0.4.
#pragma once

#include <cstdint>

namespace photoscribe {

/// Within 1e-6 of LibTorch's.
void silu_in_place(float* x, std::int64_t count);

/// The same for bfloat16s, given as their bits: the nearest bfloat16, or the one next to it.
void silu_in_place(std::uint16_t* x, std::int64_t count);

}  // namespace photoscribe
