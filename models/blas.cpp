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

/// OpenBLAS' name for the kernels that this processor can run, when they are wider than those that
/// it chose; else null.
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
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (std::getenv(kVariable) != nullptr) return;
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(::dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (core_name == nullptr) return;
  const char* const better = better_core(core_name());
  if (better == nullptr) return;
  ::setenv(kVariable, better, 1);
  ::execv("/proc/self/exe", argv);  // only comes back when it failed: then slow but sound
}

}  // namespace photoscribe
