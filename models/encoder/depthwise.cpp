#include "models/encoder/depthwise.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "models/encoder/pointwise.h"
#include "models/encoder/vectors512.h"

namespace photoscribe {

namespace {

constexpr std::int64_t kLanes = 16;
/// At most this many bytes of widened rows are kept: half of the smallest L2 cache of a CPU with
/// bfloat16, since results go through it too.
constexpr std::int64_t kRowsBytes = 384 << 10;

}  // namespace

Depthwise::Depthwise(const EncoderLayer& layer, std::int64_t side, Activation before,
                     const float* weight, const float* bias)
    : side_(side),
      channels_(layer.out),
      padded_((layer.out + kLanes - 1) / kLanes * kLanes),
      kernel_(layer.kernel),
      stride_(layer.stride),
      before_(before),
      after_(layer.activation) {
  const Padding padding = padding_of(layer, side);
  out_ = padding.out;
  zeros_ = padding.before;
  columns_ = std::max(zeros_ + side_, (out_ - 1) * stride_ + kernel_);
  const std::int64_t rows = kRowsBytes / (columns_ * padded_ * 4);  // that fit
  band_ = std::clamp<std::int64_t>((rows - kernel_) / stride_ + 1, 1, 8);
  weight_.assign(static_cast<std::size_t>(kernel_ * kernel_ * padded_), 0);
  bias_.assign(static_cast<std::size_t>(padded_), 0);
  for (std::int64_t c = 0; c < channels_; ++c) {
    bias_[static_cast<std::size_t>(c)] = bias[c];
    for (std::int64_t k = 0; k < kernel_ * kernel_; ++k)
      weight_[static_cast<std::size_t>((c / kLanes * kernel_ * kernel_ + k) * kLanes +
                                       c % kLanes)] = weight[c * kernel_ * kernel_ + k];
  }
}

#ifdef PHOTOSCRIBE_VECTOR_COPY

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593

namespace {

/// What a row of results is computed from, sixteen channels of it.
struct Rows {
  std::array<const float*, 5> row{};  // (columns,16) of the kernel's rows; null: outside the map
  const float* weight = nullptr;      // (kernel,kernel,16)
  const float* bias = nullptr;        // (16)
  float least = 0, most = 0;          // the clamp, if not silu
  std::int64_t channels = 0;
  std::uint16_t lanes = 0;
};

/// `Tile` results from the one whose window starts at column `from`; returns their sum.
template <int Kernel, int Stride, int Tile, bool Silu>
[[gnu::always_inline]] PHOTOSCRIBE_AVX512_BF16 inline __m512 tile(const Rows& r, std::int64_t from,
                                                                  std::uint16_t* to) {
  __m512 sum[Tile];
#pragma GCC unroll 16
  for (int i = 0; i < Tile; ++i) sum[i] = _mm512_loadu_ps(r.bias);
  for (std::size_t y = 0; y < Kernel; ++y) {
    if (r.row[y] == nullptr) continue;
    const float* const row = r.row[y] + from * kLanes;
    const float* const weights = r.weight + y * Kernel * kLanes;
    __m512 weight[Kernel];
#pragma GCC unroll 8
    for (int x = 0; x < Kernel; ++x) weight[x] = _mm512_loadu_ps(weights + x * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Tile; ++i) {
#pragma GCC unroll 8
      for (int x = 0; x < Kernel; ++x)
        sum[i] =
            _mm512_fmadd_ps(_mm512_loadu_ps(row + (i * Stride + x) * kLanes), weight[x], sum[i]);
    }
  }
  __m512 all = _mm512_setzero_ps();
#pragma GCC unroll 16
  for (int i = 0; i < Tile; ++i) {
    const __m512 y = Silu ? silu_of(sum[i])
                          : _mm512_min_ps(_mm512_max_ps(sum[i], _mm512_set1_ps(r.least)),
                                          _mm512_set1_ps(r.most));
    all = _mm512_add_ps(all, y);
    if (r.lanes == 0xffff) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i * r.channels), rounded(y));
    } else {
      _mm256_mask_storeu_epi16(to + i * r.channels, r.lanes, rounded(y));
    }
  }
  return all;
}

/// A row of `count` results; adds them up in `sums` (16).
template <int Kernel, int Stride, bool Silu>
PHOTOSCRIBE_AVX512_BF16 void row_of(const Rows& r, std::int64_t count, std::uint16_t* to,
                                    float* sums) {
  __m512 all = _mm512_loadu_ps(sums);
  std::int64_t at = 0;
  const auto go = [&] { return at * Stride; };
  // These divide grids of a 32nd of 320 and 224 pixels, and their doubles, exactly.
  for (; count - at >= 10 && (count - at) % 8 != 0; at += 10)
    all = _mm512_add_ps(all, tile<Kernel, Stride, 10, Silu>(r, go(), to + at * r.channels));
  for (; count - at >= 8; at += 8)
    all = _mm512_add_ps(all, tile<Kernel, Stride, 8, Silu>(r, go(), to + at * r.channels));
  for (; count - at >= 7; at += 7)
    all = _mm512_add_ps(all, tile<Kernel, Stride, 7, Silu>(r, go(), to + at * r.channels));
  for (; count - at >= 3; at += 3)
    all = _mm512_add_ps(all, tile<Kernel, Stride, 3, Silu>(r, go(), to + at * r.channels));
  for (; count > at; ++at)
    all = _mm512_add_ps(all, tile<Kernel, Stride, 1, Silu>(r, go(), to + at * r.channels));
  _mm512_storeu_ps(sums, all);
}

using RowLoop = void (*)(const Rows&, std::int64_t, std::uint16_t*, float*);

template <bool Silu>
RowLoop loop_of(std::int64_t kernel, std::int64_t stride) {
  if (kernel == 3) return stride == 1 ? row_of<3, 1, Silu> : row_of<3, 2, Silu>;
  return stride == 1 ? row_of<5, 1, Silu> : row_of<5, 2, Silu>;
}

/// Widens a row of `width` positions, into blocks of sixteen channels that lie `apart` numbers from
/// each other.
template <bool Silu>
PHOTOSCRIBE_AVX512_BF16 void widen(const std::uint16_t* from, std::int64_t width,
                                   std::int64_t channels, std::int64_t apart, float* to) {
  for (std::int64_t x = 0; x < width; ++x, from += channels, to += kLanes) {
    float* out = to;
    std::int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes, out += apart) {
      const __m512 all = widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + c)));
      _mm512_storeu_ps(out, Silu ? silu_of(all) : all);
    }
    if (c == channels) continue;
    const __m512 rest = widened(_mm256_maskz_loadu_epi16(lanes(channels - c), from + c));
    _mm512_storeu_ps(out, Silu ? silu_of(rest) : rest);
  }
}

PHOTOSCRIBE_AVX512_BF16 void round_means(const float* sums, std::int64_t channels, float share,
                                         std::uint16_t* mean) {
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const __m512 one = _mm512_mul_ps(_mm512_loadu_ps(sums + c), _mm512_set1_ps(share));
    _mm256_mask_storeu_epi16(mean + c, lanes(channels - c), rounded(one));
  }
}

/// Memory of this thread that is reused and never cleared.
float* scratch(std::int64_t numbers) {
  thread_local std::vector<float> kept;
  if (static_cast<std::int64_t>(kept.size()) < numbers)
    kept.resize(static_cast<std::size_t>(numbers));
  return kept.data();
}

}  // namespace

bool Depthwise::supports(const EncoderLayer& l) {
  return has_vectors512() && l.kind == LayerKind::convolution && l.groups > 1 && l.groups == l.in &&
         l.in == l.out && (l.kernel == 3 || l.kernel == 5) && (l.stride == 1 || l.stride == 2) &&
         l.activation != Activation::sigmoid && !l.adds_residual;
}

/// Where rows of the map lie as float32: in places y % kept of (padded / 16,kept,columns,16).
struct Depthwise::Ring {
  float* first = nullptr;  // behind the padding
  std::int64_t kept = 0, pitch = 0, apart = 0;
  [[nodiscard]] float* row(std::int64_t y) const { return first + y % kept * pitch; }
};

void Depthwise::run(const std::uint16_t* from, std::uint16_t* to, std::uint16_t* mean) const {
  const auto widen_row = before_ == Activation::silu ? widen<true> : widen<false>;
  run_rows(
      [&](std::int64_t first, std::int64_t end, const Ring& ring) {
        for (std::int64_t y = first; y < end; ++y)
          widen_row(from + y * side_ * channels_, side_, channels_, ring.apart, ring.row(y));
      },
      to, mean);
}

void Depthwise::run(const Pointwise& expand, const std::uint16_t* from, std::uint16_t* to,
                    std::uint16_t* mean) const {
  thread_local QuantisedRows quantised;
  thread_local std::vector<float*> lines;
  run_rows(
      [&](std::int64_t first, std::int64_t end, const Ring& ring) {
        const std::int64_t count = (end - first) * side_;
        quantised.reserve(count, expand.in());
        for (std::int64_t i = 0; i < count; ++i)
          quantised.set(i, from + (first * side_ + i) * expand.in(), nullptr);
        lines.clear();
        for (std::int64_t y = first; y < end; ++y) lines.push_back(ring.row(y));
        expand.run_blocked(quantised, side_, lines, ring.apart);
      },
      to, mean);
}

/// `fill` gets the rows first to end - 1.
template <class Fill>
void Depthwise::run_rows(const Fill& fill, std::uint16_t* to, std::uint16_t* mean) const {
  const std::int64_t kept = (band_ - 1) * stride_ + kernel_, pitch = columns_ * kLanes,
                     apart = kept * pitch;
  float* const sums = scratch(padded_ + padded_ / kLanes * apart);
  float* const rows = sums + padded_;
  std::fill(sums, sums + padded_, 0.0F);
  for (std::int64_t i = 0; i < padded_ / kLanes * kept; ++i) {
    std::fill_n(rows + i * pitch, zeros_ * kLanes, 0.0F);
    std::fill_n(rows + i * pitch + (zeros_ + side_) * kLanes, (columns_ - zeros_ - side_) * kLanes,
                0.0F);
  }
  const bool silu = after_ == Activation::silu;
  const RowLoop loop = silu ? loop_of<true>(kernel_, stride_) : loop_of<false>(kernel_, stride_);
  const Ring ring{rows + zeros_ * kLanes, kept, pitch, apart};
  constexpr float kEnd = std::numeric_limits<float>::max();
  Rows r;
  r.channels = channels_;
  r.least = after_ == Activation::none ? -kEnd : 0;
  r.most = after_ == Activation::relu6 ? 6 : kEnd;
  std::int64_t done = 0;  // rows filled so far
  for (std::int64_t first = 0; first < out_; first += band_) {
    const std::int64_t end = std::min(first + band_, out_);
    const std::int64_t wanted = std::min(side_, (end - 1) * stride_ + kernel_ - zeros_);
    if (wanted > done) fill(done, wanted, ring);
    done = std::max(done, wanted);
    for (std::int64_t c = 0; c < padded_; c += kLanes) {
      r.lanes = lanes(channels_ - c);
      r.bias = bias_.data() + c;
      r.weight = weight_.data() + c * kernel_ * kernel_;
      const float* const own = rows + c / kLanes * apart;
      for (std::int64_t y = first; y < end; ++y) {
        for (std::int64_t k = 0; k < kernel_; ++k) {
          const std::int64_t at = y * stride_ + k - zeros_;
          r.row[static_cast<std::size_t>(k)] =
              at < 0 || at >= side_ ? nullptr : own + at % kept * pitch;
        }
        loop(r, out_, to + y * out_ * channels_ + c, sums + c);
      }
    }
  }
  if (mean != nullptr) round_means(sums, channels_, 1.0F / static_cast<float>(out_ * out_), mean);
}

PHOTOSCRIBE_AVX512_BF16 void scale_channels(std::uint16_t* x, const std::uint16_t* gate,
                                            std::int64_t positions, std::int64_t channels) {
  // This many positions make whole vectors; partial vectors cost six times as much.
  std::int64_t together = 2 * kLanes / std::gcd(channels, 2 * kLanes);
  if (positions % together != 0) together = 1;
  float* const wide = scratch(channels * together + kLanes);
  for (std::int64_t i = 0; i < together; ++i)
    widen<false>(gate, 1, channels, kLanes, wide + i * channels);
  positions /= together;
  channels *= together;
  for (std::int64_t p = 0; p < positions; ++p, x += channels) {
    std::int64_t c = 0;
    for (; c + 2 * kLanes <= channels; c += 2 * kLanes) {
      const __m512i both = _mm512_loadu_si512(x + c);
      const __m512 low =
          _mm512_mul_ps(widened(_mm512_castsi512_si256(both)), _mm512_loadu_ps(wide + c));
      const __m512 high = _mm512_mul_ps(widened(_mm512_extracti64x4_epi64(both, 1)),
                                        _mm512_loadu_ps(wide + c + kLanes));
      _mm512_storeu_si512(x + c, rounded(low, high));
    }
    for (; c < channels; c += kLanes) {
      const __mmask16 some = lanes(channels - c);
      const __m512 all =
          _mm512_mul_ps(widened(_mm256_maskz_loadu_epi16(some, x + c)), _mm512_loadu_ps(wide + c));
      _mm256_mask_storeu_epi16(x + c, some, rounded(all));
    }
  }
}

#pragma GCC diagnostic pop

#else

bool Depthwise::supports(const EncoderLayer&) { return false; }
void Depthwise::run(const std::uint16_t*, std::uint16_t*, std::uint16_t*) const {}
void Depthwise::run(const Pointwise&, const std::uint16_t*, std::uint16_t*, std::uint16_t*) const {}
void scale_channels(std::uint16_t*, const std::uint16_t*, std::int64_t, std::int64_t) {}

#endif

}  // namespace photoscribe
