#include "models/format/precision.h"

#ifdef PHOTOSCRIBE_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace photoscribe {

#ifdef PHOTOSCRIBE_ONEDNN
namespace {

/// oneDNN also accepts types that it must emulate, slower than float32. It reports what it uses,
/// DNNL_MAX_CPU_ISA included; an instruction set has the bits of those that it contains.
bool uses(dnnl::cpu_isa wanted) {
  const auto bits = static_cast<unsigned>(wanted);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bits) == bits;
}

}  // namespace

bool has_bfloat16() { return uses(dnnl::cpu_isa::avx512_core_bf16); }
bool has_int8() { return uses(dnnl::cpu_isa::avx512_core_vnni) || uses(dnnl::cpu_isa::avx2_vnni); }
#else
bool has_bfloat16() { return false; }
bool has_int8() { return false; }
#endif

std::vector<Precision> precisions_to_try(Precision asked, bool bfloat16, bool int8) {
  if (asked != Precision::automatic) return {asked};
  std::vector<Precision> all;
  if (int8) all.push_back(Precision::int8);
  if (bfloat16) all.push_back(Precision::bfloat16);
  all.push_back(Precision::float32);
  return all;
}

Status check_precision(Precision asked) {
  if (asked == Precision::bfloat16 && !has_bfloat16()) {
    return fail(
        Errc::invalid_config,
        "precision bfloat16: this CPU has no instructions for it (avx512_bf16 or amx_bf16), or "
        "photoscribe was built without oneDNN; use auto or float32");
  }
  if (asked == Precision::int8 && !has_int8()) {
    return fail(Errc::invalid_config,
                "precision int8: this CPU has no instructions for it (avx512_vnni or avx_vnni), or "
                "photoscribe was built without oneDNN; use auto or float32");
  }
  return {};
}

}  // namespace photoscribe
