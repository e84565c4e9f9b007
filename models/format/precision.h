// precision: the number formats in which a network's products are computed on a CPU. No LibTorch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// Everything but matrix products is always float32, and so are their sums, except in int8:
/// encoders of ReLU are integers from the photos to the last layer then. GPUs work in half
/// precision whatever this says.
enum class Precision : std::uint8_t {
  automatic,  // whichever of the others, if CPU and model have it, a trial finds fastest
  float32,
  bfloat16,  // weights and inputs of products rounded to 8 bits of mantissa
  int8,      // both are 8-bit integers: by scales fixed or found as photos come (ADR 0013)
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

/// What `asked` may mean on a CPU that has these formats or not (`int8`: for this model, too),
/// those that change captions least last. Which is fastest differs between CPUs that have the same
/// formats: without AMX some multiply bfloat16 no faster than float32, or slower.
[[nodiscard]] std::vector<Precision> precisions_to_try(Precision asked, bool bfloat16, bool int8);

/// What a trial of a batch that took `seconds` counts as when the cheapest is chosen: int8 must be
/// faster than the others by a seventh to be taken unasked, since it is the coarsest (ADR 0013).
[[nodiscard]] constexpr double trial_cost_s(Precision precision, double seconds) noexcept {
  return precision == Precision::int8 ? seconds * 1.15 : seconds;
}

/// Fails with invalid_config, saying what to do, if this machine does not have it.
[[nodiscard]] Status check_precision(Precision asked);

}  // namespace photoscribe
