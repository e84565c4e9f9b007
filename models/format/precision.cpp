#include "models/format/precision.h"

#ifdef PHOTOSCRIBE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace photoscribe {

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

Status check_precision(Precision asked) {
  if (asked != Precision::bfloat16 || has_bfloat16()) return {};
  return fail(
      Errc::invalid_config,
      "precision bfloat16: this CPU has no instructions for it (avx512_bf16 or amx_bf16), or "
      "photoscribe was built without oneDNN; take auto or float32");
}

}  // namespace photoscribe
