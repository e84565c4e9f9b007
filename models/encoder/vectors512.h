// vectors512: what the hand-written loops for AVX-512 with bfloat16 share: conversions and silu,
// sixteen numbers at a time. Only for functions with PHOTOSCRIBE_AVX512_BF16, which may be called
// if has_vectors512(). Private to models/.
#pragma once

#include "common/core/vector_clones.h"

#ifdef PHOTOSCRIBE_VECTOR_COPY
#include <immintrin.h>

#include <cstdint>

#define PHOTOSCRIBE_AVX512_BF16 \
  PHOTOSCRIBE_VECTOR_COPY("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593

namespace photoscribe {

[[nodiscard]] inline bool has_vectors512() {
  static const bool supported =
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return supported;
}

/// Sixteen bfloat16s, given as their bits.
PHOTOSCRIBE_AVX512_BF16 inline __m512 widened(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
/// To nearest, ties to even.
PHOTOSCRIBE_AVX512_BF16 inline __m256i rounded(__m512 x) {
  const __m256bh bits = _mm512_cvtneps_pbh(x);
  __m256i all;
  __builtin_memcpy(&all, &bits, sizeof all);
  return all;
}
/// 32 numbers as bfloat16s, those of `low` first.
PHOTOSCRIBE_AVX512_BF16 inline __m512i rounded(__m512 low, __m512 high) {
  const __m512bh bits = _mm512_cvtne2ps_pbh(high, low);
  __m512i all;
  __builtin_memcpy(&all, &bits, sizeof all);
  return all;
}
/// Lanes below `count`; all where that is 16 or more.
[[nodiscard]] inline std::uint16_t lanes(std::int64_t count) {
  return static_cast<std::uint16_t>(count >= 16 ? 0xffffU : (1U << count) - 1U);
}

/// x / (1 + exp(-x)) with a relative error of 2e-4: precise enough for what becomes a bfloat16. The
/// minimax polynomial of third degree for the power, and 1 / (1 + e) to 14 bits instead of a
/// division.
PHOTOSCRIBE_AVX512_BF16 inline __m512 silu_of(__m512 x) {
  const __m512 power = _mm512_mul_ps(x, _mm512_set1_ps(-1.44269504F));
  const __m512 whole = _mm512_roundscale_ps(power, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(power, whole);
  __m512 p = _mm512_set1_ps(5.51716691e-2F);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.42611122e-1F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93260985e-1F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.99928074e-1F));
  const __m512 below = _mm512_add_ps(_mm512_scalef_ps(p, whole), _mm512_set1_ps(1.0F));
  return _mm512_mul_ps(x, _mm512_rcp14_ps(below));
}

}  // namespace photoscribe

#pragma GCC diagnostic pop

#else

namespace photoscribe {
[[nodiscard]] inline bool has_vectors512() { return false; }
}  // namespace photoscribe

#endif
