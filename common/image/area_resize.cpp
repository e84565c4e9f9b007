#include "common/image/area_resize.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "common/image/cpu.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace photoscribe::image {
namespace {

void add_scalar(const std::uint8_t* row, std::uint32_t weight, std::uint32_t* sums, int first,
                int count) noexcept {
  for (int x = first; x < count; ++x) sums[x] += weight * row[x];
}

#if defined(__SSE2__)
// sums[x] += weight * row[x] for x in [0, returned); the weight fits 15 bits.
int add_sse2(const std::uint8_t* row, std::uint32_t weight, std::uint32_t* sums,
             int count) noexcept {
  const __m128i zero = _mm_setzero_si128();
  const __m128i weights = _mm_set1_epi32(static_cast<int>(weight));
  int x = 0;
  for (; x + 8 <= count; x += 8) {
    const __m128i pixels =
        _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(row + x)), zero);
    __m128i* to = reinterpret_cast<__m128i*>(sums + x);
    const __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(pixels, zero), weights);
    const __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(pixels, zero), weights);
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), low));
    _mm_storeu_si128(to + 1, _mm_add_epi32(_mm_loadu_si128(to + 1), high));
  }
  return x;
}

__attribute__((target("avx2"))) int add_avx2(const std::uint8_t* row, std::uint32_t weight,
                                             std::uint32_t* sums, int count) noexcept {
  const __m256i weights = _mm256_set1_epi32(static_cast<int>(weight));
  int x = 0;
  for (; x + 16 <= count; x += 16) {
    const __m128i pixels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + x));
    __m256i* to = reinterpret_cast<__m256i*>(sums + x);
    const __m256i low = _mm256_madd_epi16(_mm256_cvtepu8_epi32(pixels), weights);
    const __m256i high =
        _mm256_madd_epi16(_mm256_cvtepu8_epi32(_mm_srli_si128(pixels, 8)), weights);
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), low));
    _mm256_storeu_si256(to + 1, _mm256_add_epi32(_mm256_loadu_si256(to + 1), high));
  }
  return x;
}

// to[x] = sums[x], and sums[x] = 0, for x in [0, count).
__attribute__((target("avx2"))) void take_doubles_avx2(std::uint32_t* sums, double* to,
                                                       int count) noexcept {
  const __m128i half = _mm_set1_epi32(std::numeric_limits<std::int32_t>::min());
  const __m256d back = _mm256_set1_pd(2147483648.0);  // conversion knows signed numbers alone
  int x = 0;
  for (; x + 4 <= count; x += 4) {
    auto* const from = reinterpret_cast<__m128i*>(sums + x);
    const __m128i moved = _mm_xor_si128(_mm_loadu_si128(from), half);
    _mm256_storeu_pd(to + x, _mm256_add_pd(_mm256_cvtepi32_pd(moved), back));
    _mm_storeu_si128(from, _mm_setzero_si128());
  }
  for (; x < count; ++x) to[x] = std::exchange(sums[x], 0U);
}

// All outputs but the last three at most, each of 4 * kFours pixels from where its `first` says on.
template <int kFours>
__attribute__((target("avx2"))) void resample_avx2(const double* row,
                                                   const std::vector<AxisPlan::Taps>& taps,
                                                   const double* weights, double scale,
                                                   std::uint8_t* to) noexcept {
  const __m256d scales = _mm256_set1_pd(scale), half = _mm256_set1_pd(0.5);
  const std::size_t end = taps.size() / 4 * 4;
  for (std::size_t i = 0; i < end; i += 4) {
    __m256d sums[4];
    for (std::size_t k = 0; k < 4; ++k, weights += 4 * kFours) {
      const double* const from = row + taps[i + k].first;
      sums[k] = _mm256_mul_pd(_mm256_loadu_pd(from), _mm256_loadu_pd(weights));
      if constexpr (kFours == 2) {
        sums[k] = _mm256_add_pd(
            sums[k], _mm256_mul_pd(_mm256_loadu_pd(from + 4), _mm256_loadu_pd(weights + 4)));
      }
    }
    const __m256d upper = _mm256_hadd_pd(sums[0], sums[1]);
    const __m256d lower = _mm256_hadd_pd(sums[2], sums[3]);
    const __m256d all = _mm256_add_pd(_mm256_permute2f128_pd(upper, lower, 0x21),
                                      _mm256_blend_pd(upper, lower, 0b1100));
    const __m128i words = _mm256_cvttpd_epi32(_mm256_add_pd(_mm256_mul_pd(all, scales), half));
    const __m128i halves = _mm_packus_epi32(words, words);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
    std::memcpy(to + i, &bytes, sizeof bytes);
  }
}

#endif

void add_row(const std::uint8_t* row, std::uint32_t weight, std::uint32_t* sums,
             int count) noexcept {
  int done = 0;
#if defined(__SSE2__)
  done = has_avx2() ? add_avx2(row, weight, sums, count) : add_sse2(row, weight, sums, count);
#endif
  add_scalar(row, weight, sums, done, count);
}

}  // namespace

AxisPlan plan_axis(int from_px, int to_px) {
  AxisPlan plan;
  plan.taps.reserve(static_cast<std::size_t>(to_px));
  const std::int64_t from = from_px, to = to_px;
  if (from >= to) {  // output i covers [i * from, (i + 1) * from), source pixel k [k * to, …)
    plan.inner_weight = static_cast<std::uint32_t>(to);
    plan.total = static_cast<std::uint32_t>(from);
    for (std::int64_t i = 0; i < to; ++i) {
      const std::int64_t begin = i * from, end = begin + from;
      const std::int64_t first = begin / to, last = (end - 1) / to;
      const std::int64_t first_weight = std::min(end, (first + 1) * to) - begin;
      plan.taps.push_back({static_cast<int>(first), static_cast<int>(last - first + 1),
                           static_cast<std::uint32_t>(first_weight),
                           static_cast<std::uint32_t>(end - last * to)});
    }
    return plan;
  }
  plan.total = static_cast<std::uint32_t>(2 * to);
  for (std::int64_t i = 0; i < to; ++i) {  // the centre of output i, in units of 1 / (2 * to)
    const std::int64_t centre = std::max<std::int64_t>((2 * i + 1) * from - to, 0);
    const std::int64_t first = centre / (2 * to), right = centre % (2 * to);
    if (right == 0 || first + 1 >= from)
      plan.taps.push_back({static_cast<int>(std::min(first, from - 1)), 1, plan.total, 0});
    else
      plan.taps.push_back({static_cast<int>(first), 2, static_cast<std::uint32_t>(2 * to - right),
                           static_cast<std::uint32_t>(right)});
  }
  return plan;
}

AreaResizer::AreaResizer(Size from, int channels, Size to, std::uint8_t* output)
    : channels_(channels),
      row_values_(from.width_px * channels),
      columns_(plan_axis(from.width_px, to.width_px)),
      rows_(plan_axis(from.height_px, to.height_px)),
      output_(output),
      output_stride_(static_cast<std::size_t>(to.width_px) * static_cast<std::size_t>(channels)),
      scale_(1.0 / (static_cast<double>(columns_.total) * static_cast<double>(rows_.total))),
      sums_(static_cast<std::size_t>(row_values_)) {
  if (from.height_px < to.height_px) previous_.resize(sums_.size());
  prepare_columns();
}

void AreaResizer::push(const std::uint8_t* row) {
  const int y = pushed_++;
  while (rows_done_ < static_cast<int>(rows_.taps.size())) {
    const AxisPlan::Taps& taps = rows_.taps[static_cast<std::size_t>(rows_done_)];
    const int last = taps.first + taps.count - 1;
    if (taps.first > y) break;
    if (!previous_.empty()) {  // growing: one source row may end several output rows
      if (last > y) break;
      add_row(taps.count == 2 ? previous_.data() : row, taps.first_weight, sums_.data(),
              row_values_);
      if (taps.count == 2) add_row(row, taps.last_weight, sums_.data(), row_values_);
    } else {
      const std::uint32_t weight = y == taps.first ? taps.first_weight
                                   : y == last     ? taps.last_weight
                                                   : rows_.inner_weight;
      add_row(row, weight, sums_.data(), row_values_);
    }
    if (y < last) break;
    emit();
  }
  if (!previous_.empty()) std::memcpy(previous_.data(), row, previous_.size());
}

// As plain weights of neighbouring pixels, where they are few: shrinking to less than an eighth
// spends its time on the rows.
void AreaResizer::prepare_columns() {
#if defined(__SSE2__)
  constexpr int kFoursMax = 2;
  int most = 0;
  for (const AxisPlan::Taps& taps : columns_.taps) most = std::max(most, taps.count);
  const int fours = (most + 3) / 4;
  if (!has_avx2() || channels_ != 1 || fours > kFoursMax) return;
  fours_ = fours;
  const auto each = static_cast<std::size_t>(4 * fours);
  weights_.resize(columns_.taps.size() * each);
  row_.resize(sums_.size() + each);
  for (std::size_t i = 0; i < columns_.taps.size(); ++i) {
    const AxisPlan::Taps& taps = columns_.taps[i];
    double* const to = weights_.data() + i * each;
    to[0] = taps.first_weight;
    for (int k = 1; k < taps.count; ++k)
      to[k] = k == taps.count - 1 ? taps.last_weight : columns_.inner_weight;
  }
#endif
}

std::uint8_t AreaResizer::resampled(const AxisPlan::Taps& taps, std::size_t channel) const {
  const auto step = static_cast<std::size_t>(channels_);
  const std::uint32_t* from = sums_.data() + static_cast<std::size_t>(taps.first) * step + channel;
  std::uint64_t sum = std::uint64_t{taps.first_weight} * *from;
  if (taps.count > 1) {
    std::uint64_t inner = 0;
    for (int k = 2; k < taps.count; ++k) inner += *(from += step);
    sum += inner * columns_.inner_weight + std::uint64_t{taps.last_weight} * *(from += step);
  }
  // At most 255 times the photo's pixels: exact in a double.
  return static_cast<std::uint8_t>(static_cast<double>(sum) * scale_ + 0.5);
}

void AreaResizer::emit() {
  std::uint8_t* to = output_ + static_cast<std::size_t>(rows_done_++) * output_stride_;
  const auto step = static_cast<std::size_t>(channels_);
  const std::vector<AxisPlan::Taps>& all = columns_.taps;
#if defined(__SSE2__)
  if (fours_ > 0) {
    for (std::size_t i = all.size() / 4 * 4; i < all.size(); ++i) to[i] = resampled(all[i], 0);
    take_doubles_avx2(sums_.data(), row_.data(), row_values_);
    const auto resample = fours_ == 1 ? resample_avx2<1> : resample_avx2<2>;
    resample(row_.data(), all, weights_.data(), scale_, to);
    return;
  }
#endif
  for (const AxisPlan::Taps& taps : all)
    for (std::size_t channel = 0; channel < step; ++channel) *to++ = resampled(taps, channel);
  std::fill(sums_.begin(), sums_.end(), 0U);
}

}  // namespace photoscribe::image
