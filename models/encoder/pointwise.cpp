#include "models/encoder/pointwise.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "models/encoder/int8_layers.h"
#include "models/encoder/vectors512.h"

namespace photoscribe {
namespace {

constexpr std::int64_t kLanes = 16, kTogether = 4;  // kTogether: products that an instruction adds
/// Vectors of results that a tile is wide, at most.
constexpr std::int64_t kVectors = 4;

std::int64_t up(std::int64_t count, std::int64_t unit) { return (count + unit - 1) / unit; }

/// The width of the next tile if `left` vectors are left: no tile of one behind one of four, whose
/// results would be few for what it reads.
std::int64_t tile_width(std::int64_t left) {
  return left == kVectors + 1 ? kVectors - 1 : std::min(left, kVectors);
}

}  // namespace

void QuantisedRows::reserve(std::int64_t rows, std::int64_t channels) {
  channels_ = channels;
  width_ = up(channels, kTogether) * kTogether;
  const auto grow = [](auto& numbers, std::int64_t count) {
    if (static_cast<std::int64_t>(numbers.size()) < count)
      numbers.resize(static_cast<std::size_t>(count));
  };
  grow(numbers_, rows * width_);
  grow(scales_, rows);
  grow(zeros_, rows);
  grow(gated_, up(channels, kLanes) * kLanes);
}

Pointwise::Pointwise(const EncoderLayer& layer, const Int8Weight& weight, const float* bias)
    : in_(layer.in),
      out_(layer.out),
      silu_(layer.activation == Activation::silu),
      adds_(layer.adds_residual) {
  const std::int64_t vectors = up(out_, kLanes), steps = up(in_, kTogether);
  const auto padded = static_cast<std::size_t>(vectors * kLanes);
  weight_.assign(padded * static_cast<std::size_t>(steps * kTogether), 0);
  scale_.assign(padded, 0);
  offset_.assign(padded, 0);
  bias_.assign(padded, 0);
  const auto* const numbers = weight.numbers.data_ptr<std::int8_t>();
  std::int8_t* to = weight_.data();
  for (std::int64_t first = 0; first < vectors;) {
    const std::int64_t wide = tile_width(vectors - first);
    for (std::int64_t k = 0; k < steps * kTogether; k += kTogether)
      for (std::int64_t v = first * kLanes; v < (first + wide) * kLanes; ++v)
        for (std::int64_t i = k; i < k + kTogether; ++i)
          *to++ = v < out_ && i < in_ ? numbers[v * in_ + i] : std::int8_t{0};
    first += wide;
  }
  for (std::int64_t v = 0; v < out_; ++v) {
    const auto at = static_cast<std::size_t>(v);
    std::int32_t sum = 0;
    for (std::int64_t i = 0; i < in_; ++i) sum += numbers[v * in_ + i];
    scale_[at] = weight.scales[at];
    offset_[at] = static_cast<float>(sum);
    bias_[at] = bias[v];
  }
}

#ifdef PHOTOSCRIBE_VECTOR_COPY

#define PHOTOSCRIBE_AVX512_VNNI \
  PHOTOSCRIBE_VECTOR_COPY("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni")

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593
#pragma GCC diagnostic ignored "-Wuninitialized"        // the same

bool has_pointwise() {
  static const bool supported = has_vectors512() && __builtin_cpu_supports("avx512vnni");
  return supported;
}

bool Pointwise::supports(const EncoderLayer& l) {
  return has_pointwise() && l.kind == LayerKind::convolution && l.lane == Lane::main &&
         l.groups == 1 && l.kernel == 1 && l.stride == 1 &&
         (l.activation == Activation::none || l.activation == Activation::silu);
}

namespace {

PHOTOSCRIBE_AVX512_VNNI inline __m256i load(const std::uint16_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

struct Range {
  float least = 0, most = 0;
};

PHOTOSCRIBE_AVX512_VNNI inline Range range_of(__m512 least, __m512 most) {
  // Both at once: the lower half is for the negated least.
  const __m256 low = _mm256_min_ps(_mm512_castps512_ps256(least), _mm512_extractf32x8_ps(least, 1)),
               high = _mm256_max_ps(_mm512_castps512_ps256(most), _mm512_extractf32x8_ps(most, 1));
  __m512 both =
      _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_sub_ps(_mm256_setzero_ps(), low)), high, 1);
  both = _mm512_max_ps(both, _mm512_shuffle_f32x4(both, both, 0b10'11'00'01));
  both = _mm512_max_ps(both, _mm512_permute_ps(both, 0b01'00'11'10));
  both = _mm512_max_ps(both, _mm512_permute_ps(both, 0b10'11'00'01));
  return {-_mm512_cvtss_f32(both), _mm256_cvtss_f32(_mm512_extractf32x8_ps(both, 1))};
}

}  // namespace

PHOTOSCRIBE_AVX512_VNNI void QuantisedRows::set(std::int64_t row, const std::uint16_t* x,
                                                const std::uint16_t* gate) {
  constexpr int kNotFinite = 0x99;  // NaN, quiet or not, and both infinities
  const std::int64_t channels = channels_, whole = channels / kLanes * kLanes;
  float* const gated = gated_.data();
  __m512 least = _mm512_setzero_ps(), most = least;
  __mmask16 odd = 0;
  // Partial loads and stores cost several times as much as whole ones.
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const __mmask16 some = lanes(channels - c);
    __m512 y = c < whole ? widened(load(x + c)) : widened(_mm256_maskz_loadu_epi16(some, x + c));
    if (gate != nullptr) {
      y = _mm512_mul_ps(y, c < whole ? widened(load(gate + c))
                                     : widened(_mm256_maskz_loadu_epi16(some, gate + c)));
    }
    _mm512_storeu_ps(gated + c, y);
    least = _mm512_min_ps(least, y);
    most = _mm512_max_ps(most, y);
    odd = _kor_mask16(odd, _mm512_fpclass_ps_mask(y, kNotFinite));
  }
  const Range range = range_of(least, most);
  constexpr float kMost = std::numeric_limits<float>::max();
  const float scale = range.most * (1.0F / 255) - range.least * (1.0F / 255), inverse = 1 / scale;
  // Rows of zeros, or of numbers too small to be divided by, are zeros.
  const bool usable = odd == 0 && inverse <= kMost;
  const __m512 factor = _mm512_set1_ps(usable ? inverse : 0);
  const __m512 zero = _mm512_roundscale_ps(_mm512_mul_ps(_mm512_set1_ps(-range.least), factor),
                                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const auto at = static_cast<std::size_t>(row);
  scales_[at] = odd != 0 ? std::numeric_limits<float>::quiet_NaN() : usable ? scale : 0;
  zeros_[at] = _mm512_cvtss_f32(zero);
  const std::int64_t width = width_;
  std::uint8_t* const to = numbers_.data() + row * width;
  for (std::int64_t c = 0; c < width; c += kLanes) {
    const __m512i number =
        _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_loadu_ps(gated + c), factor, zero));
    // What is below zero by a rounding's error is zero.
    const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(number, _mm512_setzero_si512()));
    if (width - c >= kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + c), bytes);
    } else {
      _mm_mask_storeu_epi8(to + c, lanes(width - c), bytes);
    }
  }
}

/// A product with a tile's width of columns.
struct Pointwise::Product {
  const std::uint8_t* from = nullptr;  // (rows,width)
  const float *row_scale = nullptr, *zero = nullptr;
  std::int64_t width = 0;
  const std::int8_t* weight = nullptr;  // (width / 4,vectors,16,4)
  const float *scale = nullptr, *offset = nullptr, *bias = nullptr;
  const std::uint16_t* shortcut = nullptr;
  std::int64_t row_step = 0, vector_step = kLanes;  // of results, and of the shortcut
  std::int64_t left = 0;  // channels from the tile's first to the last that is stored
  std::int64_t vectors = 0;
};

namespace {

PHOTOSCRIBE_AVX512_VNNI inline void store(__m512 y, __mmask16 some, std::uint16_t* to) {
  if (some == 0xffff) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded(y));
  } else {
    _mm256_mask_storeu_epi16(to, some, rounded(y));
  }
}
PHOTOSCRIBE_AVX512_VNNI inline void store(__m512 y, __mmask16 some, float* to) {
  _mm512_mask_storeu_ps(to, some, y);
}

/// Rows row to row + Tile - 1.
template <int Tile, int Vectors, bool Silu, bool Sum, class Product, class Result>
[[gnu::always_inline]] PHOTOSCRIBE_AVX512_VNNI inline void tile(const Product& p, std::int64_t row,
                                                                Result* to) {
  constexpr int kAll = Tile * Vectors;
  __m512i sum[kAll];
#pragma GCC unroll 32
  for (int i = 0; i < kAll; ++i) sum[i] = _mm512_setzero_si512();
  const std::uint8_t* const from = p.from + row * p.width;
  const std::int8_t* weights = p.weight;
  for (std::int64_t k = 0; k < p.width; k += kTogether, weights += Vectors * kLanes * kTogether) {
    __m512i weight[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j)
      weight[j] = _mm512_loadu_si512(weights + j * kLanes * kTogether);
#pragma GCC unroll 32
    for (int i = 0; i < kAll; ++i) {
      std::int32_t four = 0;
      std::memcpy(&four, from + i / Vectors * p.width + k, sizeof four);
      sum[i] = _mm512_dpbusd_epi32(sum[i], _mm512_set1_epi32(four), weight[i % Vectors]);
    }
  }
  // GCC 12 keeps `sum` in registers only if what follows does not look at it.
  alignas(64) std::int32_t sums[kAll * kLanes];
#pragma GCC unroll 32
  for (int i = 0; i < kAll; ++i) _mm512_store_si512(sums + i * kLanes, sum[i]);
  for (int j = 0; j < Vectors; ++j) {
    const __m512 scale = _mm512_loadu_ps(p.scale + j * kLanes),
                 offset = _mm512_loadu_ps(p.offset + j * kLanes),
                 bias = _mm512_loadu_ps(p.bias + j * kLanes);
    const __mmask16 some = lanes(p.left - j * kLanes);
    for (int i = 0; i < Tile; ++i) {
      const std::int64_t at = (row + i) * p.row_step + j * p.vector_step;
      const __m512 whole = _mm512_fnmadd_ps(
          _mm512_set1_ps(p.zero[row + i]), offset,
          _mm512_cvtepi32_ps(_mm512_load_si512(sums + (i * Vectors + j) * kLanes)));
      __m512 y =
          _mm512_fmadd_ps(_mm512_mul_ps(whole, scale), _mm512_set1_ps(p.row_scale[row + i]), bias);
      if constexpr (Sum)
        y = _mm512_add_ps(y, widened(_mm256_maskz_loadu_epi16(some, p.shortcut + at)));
      if constexpr (Silu) y = silu_of(y);
      store(y, some, to + at);
    }
  }
}

/// As high as 32 registers allow for each width, then what is left.
template <int Vectors, bool Silu, bool Sum, class Product, class Result>
PHOTOSCRIBE_AVX512_VNNI void tiles(const Product& p, std::int64_t rows, Result* to) {
  constexpr int kTile = Vectors == 4 ? 6 : Vectors == 3 ? 8 : 12;
  std::int64_t row = 0;
  for (; rows - row >= kTile; row += kTile) tile<kTile, Vectors, Silu, Sum>(p, row, to);
  for (; rows - row >= 4; row += 4) tile<4, Vectors, Silu, Sum>(p, row, to);
  for (; rows - row >= 2; row += 2) tile<2, Vectors, Silu, Sum>(p, row, to);
  if (row < rows) tile<1, Vectors, Silu, Sum>(p, row, to);
}

}  // namespace

#pragma GCC diagnostic pop

Pointwise::Product Pointwise::product(const QuantisedRows& from) const {
  Product p;
  p.from = from.numbers();
  p.row_scale = from.scales();
  p.zero = from.zeros();
  p.width = from.width();
  p.weight = weight_.data();
  p.scale = scale_.data();
  p.offset = offset_.data();
  p.bias = bias_.data();
  p.row_step = p.left = out_;
  p.vectors = up(out_, kLanes);
  return p;
}

/// `rows` rows for each of `lines`, which lie one after another.
template <bool Silu, bool Sum, class Result>
void Pointwise::multiply(const Product& all, std::int64_t rows, std::span<Result* const> lines) {
  std::int64_t wide = 0;
  for (std::int64_t first = 0; first < all.vectors; first += wide) {
    wide = tile_width(all.vectors - first);
    Product p = all;
    p.weight += first * kLanes * p.width;
    p.scale += first * kLanes;
    p.offset += first * kLanes;
    p.bias += first * kLanes;
    p.left -= first * kLanes;
    if constexpr (Sum) p.shortcut += first * p.vector_step;
    for (Result* const line : lines) {
      Result* const to = line + first * p.vector_step;
      if (wide == 4) tiles<4, Silu, Sum>(p, rows, to);
      if (wide == 3) tiles<3, Silu, Sum>(p, rows, to);
      if (wide == 2) tiles<2, Silu, Sum>(p, rows, to);
      if (wide == 1) tiles<1, Silu, Sum>(p, rows, to);
      p.from += rows * p.width;
      p.row_scale += rows;
      p.zero += rows;
    }
  }
}

void Pointwise::run(const QuantisedRows& from, std::int64_t rows, const std::uint16_t* shortcut,
                    std::uint16_t* to) const {
  Product p = product(from);
  p.shortcut = shortcut;
  const std::span<std::uint16_t* const> line(&to, 1);
  if (adds_) {
    silu_ ? multiply<true, true>(p, rows, line) : multiply<false, true>(p, rows, line);
  } else {
    silu_ ? multiply<true, false>(p, rows, line) : multiply<false, false>(p, rows, line);
  }
}

void Pointwise::run(const QuantisedRows& from, std::int64_t rows, float* to) const {
  const std::span<float* const> line(&to, 1);
  silu_ ? multiply<true, false>(product(from), rows, line)
        : multiply<false, false>(product(from), rows, line);
}

void Pointwise::run_blocked(const QuantisedRows& from, std::int64_t side,
                            std::span<float* const> lines, std::int64_t apart) const {
  Product p = product(from);
  p.row_step = kLanes;
  p.vector_step = apart;
  p.left = p.vectors * kLanes;
  silu_ ? multiply<true, false>(p, side, lines) : multiply<false, false>(p, side, lines);
}

#else

bool has_pointwise() { return false; }
bool Pointwise::supports(const EncoderLayer&) { return false; }
void QuantisedRows::set(std::int64_t, const std::uint16_t*, const std::uint16_t*) {}
void Pointwise::run(const QuantisedRows&, std::int64_t, const std::uint16_t*,
                    std::uint16_t*) const {}
void Pointwise::run(const QuantisedRows&, std::int64_t, float*) const {}
void Pointwise::run_blocked(const QuantisedRows&, std::int64_t, std::span<float* const>,
                            std::int64_t) const {}

#endif

}  // namespace photoscribe
