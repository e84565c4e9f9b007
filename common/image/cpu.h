// cpu: what this processor can do beyond what the program is compiled for. Internal.
#pragma once

namespace photoscribe::image {

/// False where the program is not for x86-64.
[[nodiscard]] inline bool has_avx2() noexcept {
#if defined(__SSE2__)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

}  // namespace photoscribe::image
