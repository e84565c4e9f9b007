// precision: the number formats in which a network's products are computed on a CPU. No LibTorch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "common/core/error.h"

namespace photoscribe {

/// Sums are always float32, as is everything but matrix products. GPUs work in half precision
/// whatever this says.
enum class Precision : std::uint8_t {
  automatic,  // bfloat16, else int8, if CPU and model have it and a trial finds it faster
  float32,
  bfloat16,  // weights and inputs of products rounded to 8 bits of mantissa
  int8,      // the encoder's are 8-bit integers; the decoder's as bfloat16 or float32
};

inline constexpr std::array<std::pair<Precision, std::string_view>, 4> kPrecisionNames{
    {{Precision::automatic, "auto"},
     {Precision::float32, "float32"},
     {Precision::bfloat16, "bfloat16"},
     {Precision::int8, "int8"}}};

[[nodiscard]] constexpr std::string_view to_string(Precision precision) noexcept {
  return kPrecisionNames[static_cast<std::size_t>(precision)].second;
}

[[nodiscard]] constexpr std::optional<Precision> precision_from_string(
    std::string_view name) noexcept {
  for (const auto& [one, known] : kPrecisionNames)
    if (known == name) return one;
  return std::nullopt;
}

/// Whether this CPU has instructions for bfloat16 products, and oneDNN is there to use them.
[[nodiscard]] bool has_bfloat16();
/// The same for eight bits (AVX-512 VNNI, AVX VNNI).
[[nodiscard]] bool has_int8();

/// The precision of a decoder's products with such an encoder (not automatic): never int8.
[[nodiscard]] Precision decoder_precision(Precision encoder);

/// Fails with invalid_config, saying what to do, if this machine does not have it.
[[nodiscard]] Status check_precision(Precision asked);

}  // namespace photoscribe
