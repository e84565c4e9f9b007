#include "models/precision.h"

#include <array>
#include <utility>

#ifdef PHOTOSCRIBE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace photoscribe {
namespace {

constexpr std::array<std::pair<Precision, std::string_view>, 3> kNames{
    {{Precision::automatic, "auto"},
     {Precision::float32, "float32"},
     {Precision::bfloat16, "bfloat16"}}};

}  // namespace

std::string_view to_string(Precision precision) noexcept {
  for (const auto& [one, name] : kNames)
    if (one == precision) return name;
  return "";
}

std::optional<Precision> precision_from_string(std::string_view name) noexcept {
  for (const auto& [one, known] : kNames)
    if (known == name) return one;
  return std::nullopt;
}

bool has_bfloat16() {
#ifdef PHOTOSCRIBE_ONEDNN
  // oneDNN also takes bfloat16 where it must emulate it, slower than float32. What it says is what
  // it uses, DNNL_MAX_CPU_ISA included; an instruction set has the bits of those that it contains.
  constexpr auto kWanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kWanted) == kWanted;
#else
  return false;
#endif
}

}  // namespace photoscribe
