#include "models/decoder/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/core/vector_clones.h"

namespace photoscribe {
namespace {

#ifdef PHOTOSCRIBE_VECTOR_COPY
PHOTOSCRIBE_VECTOR_COPY("default") int vector_bytes() { return 16; }
PHOTOSCRIBE_VECTOR_COPY("arch=x86-64-v3") int vector_bytes() { return 32; }
PHOTOSCRIBE_VECTOR_COPY("arch=x86-64-v4") int vector_bytes() { return 64; }
#else
int vector_bytes() { return 0; }
#endif

/// tanh by Eigen's rational function of degree 13 over 6: within 4e-7 everywhere.
[[gnu::always_inline]] inline float fast_tanh(float value) {
  constexpr float kEnd = 7.90531110763549805F;
  float x = value < -kEnd ? -kEnd : value;
  x = x > kEnd ? kEnd : x;
  const float y = x * x;
  float p = -2.76076847742355e-16F;
  p = p * y + 2.00018790482477e-13F;
  p = p * y - 8.60467152213735e-11F;
  p = p * y + 5.12229709037114e-08F;
  p = p * y + 1.48572235717979e-05F;
  p = p * y + 6.37261928875436e-04F;
  p = p * y + 4.89352455891786e-03F;
  float q = 1.19825839466702e-06F;
  q = q * y + 1.18534705686654e-04F;
  q = q * y + 2.26843463243900e-03F;
  q = q * y + 4.89352518554385e-03F;
  return x * p / q;
}

[[gnu::always_inline]] inline float fast_sigmoid(float value) {
  return 0.5F * fast_tanh(0.5F * value) + 0.5F;
}

/// exp of a number that is not above 0, by Cephes's polynomial: relative error 2e-7; below -87 as
/// at -87.
[[gnu::always_inline]] inline float fast_exp_of_negative(float value) {
  const float x = value < -87.0F ? -87.0F : value;
  const auto power = static_cast<std::int32_t>(x * 1.44269504088896341F - 0.5F);
  const auto whole = static_cast<float>(power);
  const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;  // ln 2 in two parts
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  return (p * r * r + r + 1.0F) * __builtin_bit_cast(float, (power + 127) << 23);
}

/// Turns a float's bits into an integer of the same order, and back.
[[gnu::always_inline]] inline std::int32_t ordered(std::int32_t bits) {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/// Largest of `count` numbers; -inf of none. As integers: without -ffinite-math-only GCC does not
/// reorder a maximum of floats.
[[gnu::always_inline]] inline float largest(const float* x, std::int64_t count) {
  std::int32_t most =
      ordered(__builtin_bit_cast(std::int32_t, -std::numeric_limits<float>::infinity()));
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t one = ordered(__builtin_bit_cast(std::int32_t, x[i]));
    most = one > most ? one : most;
  }
  return __builtin_bit_cast(float, ordered(most));
}

/// Inserts `sum` into `count` sums in falling order, after equal ones.
void put(float sum, std::int64_t place, std::int64_t count, float* sums, std::int64_t* places) {
  std::int64_t at = count - 1;
  for (; at > 0 && sums[at - 1] < sum; --at) {
    sums[at] = sums[at - 1];
    places[at] = places[at - 1];
  }
  sums[at] = sum;
  places[at] = place;
}

}  // namespace

int kernel_vector_bytes() { return vector_bytes(); }

PHOTOSCRIBE_VECTOR_CLONES
void tanh_in_place(float* x, std::int64_t count) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) x[i] = fast_tanh(x[i]);
}

PHOTOSCRIBE_VECTOR_CLONES
void log_softmax_rows(const WordOdds& extra, std::int64_t rows, std::int64_t words, float* x) {
  for (std::int64_t r = 0; r < rows; ++r, x += words) {
    if (extra.odds != nullptr) {
      const float* const odds = extra.odds + r / extra.rows_per_photo * words;
      const float gate = extra.gate[r];
#pragma GCC ivdep
      for (std::int64_t v = 0; v < words; ++v) x[v] += gate * odds[v];
    }
    const float most = largest(x, words);
    float sum = 0;
#pragma GCC ivdep
    for (std::int64_t v = 0; v < words; ++v) sum += fast_exp_of_negative(x[v] - most);
    const float whole = most + std::log(sum);
#pragma GCC ivdep
    for (std::int64_t v = 0; v < words; ++v) x[v] -= whole;
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void largest_sums(std::int64_t rows, std::int64_t words, const float* base, const float* x,
                  std::int64_t count, float* sums, std::int64_t* places) {
  constexpr std::int64_t kChunk = 128;
  std::fill(sums, sums + count, -std::numeric_limits<float>::infinity());
  std::fill(places, places + count, 0);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t from = 0; from < words; from += kChunk) {
      const std::int64_t end = std::min(from + kChunk, words);
      const float* const row = x + r * words;
      if (!(base[r] + largest(row + from, end - from) > sums[count - 1])) continue;
      for (std::int64_t v = from; v < end; ++v) {
        const float sum = base[r] + row[v];
        if (sum > sums[count - 1]) put(sum, r * words + v, count, sums, places);
      }
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void gate_rows(std::int64_t rows, std::int64_t size, const float* gate, std::int64_t gate_stride,
               float* x) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* const g = gate + r * gate_stride;
    float* const out = x + r * size;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < size; ++i) out[i] *= fast_sigmoid(g[i]);
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void weighted_sums(const WeightedSums& sums, float* out) {
  const std::int64_t L = sums.positions, D = sums.size;
  for (std::int64_t r = 0; r < sums.rows; ++r, out += D) {
    const float* value = sums.value + sums.photo[r] * L * D;
    for (std::int64_t i = 0; i < D; ++i) out[i] = 0;
    for (std::int64_t l = 0; l < L; ++l, value += D) {
      const float weight = sums.weight[r * L + l];
#pragma GCC ivdep
      for (std::int64_t i = 0; i < D; ++i) out[i] += weight * value[i];
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void attention_scores(const AttentionStep& step, float* t, float* score) {
  const std::int64_t L = step.positions, A = step.size;
  const float* const v = step.v;
  for (std::int64_t r = 0; r < step.rows; ++r) {
    const std::int64_t key_row = step.key_row == nullptr ? r : step.key_row[r];
    const float* const query = step.query + r * step.query_stride;
    for (std::int64_t l = 0; l < L; ++l) {
      const float* const key = step.key + (key_row * L + l) * A;
      float sum = 0;
      if (t != nullptr) {
        float* const out = t + (r * L + l) * A;
#pragma GCC ivdep
        for (std::int64_t a = 0; a < A; ++a) {
          const float value = fast_tanh(key[a] + query[a]);
          out[a] = value;
          sum += value * v[a];
        }
      } else {
#pragma GCC ivdep
        for (std::int64_t a = 0; a < A; ++a) sum += fast_tanh(key[a] + query[a]) * v[a];
      }
      score[r * L + l] = sum;
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void relu_attention_scores(const AttentionStep& step, float* score) {
  const std::int64_t L = step.positions, A = step.size;
  const float* const v = step.v;
  for (std::int64_t r = 0; r < step.rows; ++r) {
    const std::int64_t key_row = step.key_row == nullptr ? r : step.key_row[r];
    const float* const query = step.query + r * step.query_stride;
    for (std::int64_t l = 0; l < L; ++l) {
      const float* const key = step.key + (key_row * L + l) * A;
      float sum = 0;
#pragma GCC ivdep
      for (std::int64_t a = 0; a < A; ++a) {
        const float value = key[a] + query[a];
        sum += (value > 0 ? value : 0) * v[a];
      }
      score[r * L + l] = sum;
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void attention_scores_backward(const AttentionStep& step, const float* t, const float* d_score,
                               float* d_key, float* d_query, std::int64_t d_query_stride) {
  const std::int64_t L = step.positions, A = step.size;
  const float* const v = step.v;
  for (std::int64_t r = 0; r < step.rows; ++r) {
    float* const query = d_query + r * d_query_stride;
#pragma GCC ivdep
    for (std::int64_t a = 0; a < A; ++a) query[a] = 0;
    for (std::int64_t l = 0; l < L; ++l) {
      const float* const value = t + (r * L + l) * A;
      float* const key = d_key + (r * L + l) * A;
      const float d = d_score[r * L + l];
#pragma GCC ivdep
      for (std::int64_t a = 0; a < A; ++a) {
        const float inner = d * v[a] * (1 - value[a] * value[a]);
        key[a] += inner;
        query[a] += inner;
      }
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void lstm_cell(std::int64_t rows, std::int64_t hidden, float* gates, const float* c_in,
               float* c_out, float* tanh_c, float* h_out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    float* const i = gates + r * 4 * hidden;
    float* const f = i + hidden;
    float* const g = f + hidden;
    float* const o = g + hidden;
#pragma GCC ivdep
    for (std::int64_t j = 0; j < hidden; ++j) {
      const std::int64_t at = r * hidden + j;
      i[j] = fast_sigmoid(i[j]);
      f[j] = fast_sigmoid(f[j]);
      g[j] = fast_tanh(g[j]);
      o[j] = fast_sigmoid(o[j]);
      c_out[at] = f[j] * c_in[at] + i[j] * g[j];
      tanh_c[at] = fast_tanh(c_out[at]);
      h_out[at] = o[j] * tanh_c[at];
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void lstm_cell_of(const GateSums& gates, const float* c_in, float* c_out, float* h_out) {
  const std::int64_t H = gates.hidden;
  for (std::int64_t r = 0; r < gates.rows; ++r) {
    const float* const word = gates.word + gates.word_of[r] * 4 * H;
    const float* const state = gates.state + gates.state_of[r] * gates.state_stride;
    const float* const context = gates.context + gates.state_of[r] * gates.context_stride;
#pragma GCC ivdep
    for (std::int64_t j = 0; j < H; ++j) {
      const std::int64_t at = r * H + j;
      const float i = fast_sigmoid(word[j] + state[j] + context[j]);
      const float f = fast_sigmoid(word[H + j] + state[H + j] + context[H + j]);
      const float g = fast_tanh(word[2 * H + j] + state[2 * H + j] + context[2 * H + j]);
      const float o = fast_sigmoid(word[3 * H + j] + state[3 * H + j] + context[3 * H + j]);
      const float c = f * c_in[at] + i * g;
      c_out[at] = c;
      h_out[at] = o * fast_tanh(c);
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void round_to_bfloat16(const float* x, std::int64_t count, std::uint16_t* bits) {
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const auto all = __builtin_bit_cast(std::uint32_t, x[i]);
    const std::uint32_t number = (all + 0x7fffU + ((all >> 16) & 1U)) >> 16;
    bits[i] = static_cast<std::uint16_t>((all & 0x7fffffffU) > 0x7f800000U ? 0x7fc0U : number);
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void lstm_cell_backward(std::int64_t rows, std::int64_t hidden, const float* gates,
                        const float* c_in, const float* tanh_c, const float* d_h, float* d_c,
                        float* d_gates, std::int64_t d_gates_stride) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* const i = gates + r * 4 * hidden;
    const float* const f = i + hidden;
    const float* const g = f + hidden;
    const float* const o = g + hidden;
    float* const d_i = d_gates + r * d_gates_stride;
    float* const d_f = d_i + hidden;
    float* const d_g = d_f + hidden;
    float* const d_o = d_g + hidden;
#pragma GCC ivdep
    for (std::int64_t j = 0; j < hidden; ++j) {
      const std::int64_t at = r * hidden + j;
      const float d_cell = d_c[at] + d_h[at] * o[j] * (1 - tanh_c[at] * tanh_c[at]);
      d_o[j] = d_h[at] * tanh_c[at] * o[j] * (1 - o[j]);
      d_i[j] = d_cell * g[j] * i[j] * (1 - i[j]);
      d_f[j] = d_cell * c_in[at] * f[j] * (1 - f[j]);
      d_g[j] = d_cell * i[j] * (1 - g[j] * g[j]);
      d_c[at] = d_cell * f[j];
    }
  }
}

PHOTOSCRIBE_VECTOR_CLONES
void adam_update(const AdamUpdate& update, std::int64_t count, const float* gradient, float* first,
                 float* second, float* parameter) {
  const AdamUpdate u = update;
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * u.scale;
    first[i] = u.beta1 * first[i] + (1 - u.beta1) * g;
    second[i] = u.beta2 * second[i] + (1 - u.beta2) * g * g;
    const float down = std::sqrt(second[i] * u.unbias2) + u.epsilon;
    parameter[i] -= u.decay * parameter[i] + u.rate * first[i] / down;
  }
}

}  // namespace photoscribe
