#include "models/blas.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "models/captioner.h"

namespace photoscribe {
namespace {

/// OpenBLAS's name for the kernels that this processor can run, if they are wider than those it
/// chose; else null.
const char* better_core(std::string_view chosen) {
#if defined(__x86_64__)
  // What OpenBLAS falls back to when it does not know the processor's model number.
  constexpr std::array<std::string_view, 10> kNarrow{"Prescott",  "Core2",  "Penryn", "Dunnington",
                                                     "Nehalem",   "Atom",   "Katmai", "Coppermine",
                                                     "Northwood", "Generic"};
  bool narrow = false;
  for (const std::string_view name : kNarrow) narrow = narrow || chosen == name;
  if (!narrow) return nullptr;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return "SKYLAKEX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "HASWELL";
#endif
  static_cast<void>(chosen);
  return nullptr;
}

}  // namespace

void set_network_threads(int threads) {
  if (threads <= 0) return;
  at::set_num_threads(threads);
  using SetThreads = void (*)(int);
  if (const auto set =
          reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
    set(threads);
  }
}

void choose_blas_kernels(char** argv) {
  bool again = false;
  const auto set = [&again](const char* name, const char* value) {
    if (std::getenv(name) != nullptr) return;  // the operator's setting wins, and ours is set once
    again = ::setenv(name, value, 1) == 0 || again;
  };
  using CoreName = char* (*)();
  if (const auto core_name =
          reinterpret_cast<CoreName>(::dlsym(RTLD_DEFAULT, "openblas_get_corename"))) {
    if (const char* const better = better_core(core_name())) set("OPENBLAS_CORETYPE", better);
  }
  set("OMP_WAIT_POLICY", "passive");
  if (again) ::execv("/proc/self/exe", argv);  // returns only when it fails: slow but correct
}

}  // namespace photoscribe
