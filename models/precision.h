// precision: the numbers in which a network's products are worked out on a CPU. No LibTorch.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace photoscribe {

/// Sums are float32 in any case, as is all that is not a product of matrices. GPUs work in half
/// precision whatever this says.
enum class Precision : std::uint8_t {
  automatic,  // bfloat16 where the CPU has instructions for it and a trial finds it faster
  float32,
  bfloat16,  // weights and inputs of products rounded to 8 bits of mantissa
};

[[nodiscard]] std::string_view to_string(Precision precision) noexcept;
[[nodiscard]] std::optional<Precision> precision_from_string(std::string_view name) noexcept;

/// Whether this CPU multiplies bfloat16 by instructions of its own, and oneDNN is here to use them.
[[nodiscard]] bool has_bfloat16();

}  // namespace photoscribe
