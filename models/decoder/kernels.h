// kernels: the few loops that are worth writing by hand for a CPU. Private to models/.
//
// LibTorch's tanh is not vectorised in Debian's build (12.6 ns an element; these loops: under 1),
// and one pass here replaces five element-wise passes there. All arrays are float32, row-major and
// contiguous unless a stride says otherwise; nothing is allocated.
//
// n rows, L grid positions, A attention size, H hidden size, V words, D annotation size.
#pragma once

#include <cstdint>

namespace photoscribe {

/// Bytes of the vectors that these loops work with on this processor: 16 (SSE2), 32 (AVX2), 64
/// (AVX-512); 0: the compiler decides.
[[nodiscard]] int kernel_vector_bytes();

/// tanh of `count` numbers in place, within 4e-7 of the true value.
void tanh_in_place(float* x, std::int64_t count);

/// What is added to the scores of words before their softmax: gate[r] * odds[photo of r, v];
/// `rows_per_photo` rows belong to each photo. Nothing if `odds` is null.
struct WordOdds {
  const float* gate = nullptr;  // (n)
  const float* odds = nullptr;  // (n / rows_per_photo, V)
  std::int64_t rows_per_photo = 1;
};
/// x (n,V) becomes its log-softmax over V, after `extra` is added; -inf stays -inf, each row must
/// have a finite number. Within 2e-6 of LibTorch's.
void log_softmax_rows(const WordOdds& extra, std::int64_t rows, std::int64_t words, float* x);

/// The `count` largest of base[r] + x[r,v] over n rows of V words, in falling order, the first of
/// equals first, with their places r*V + v. If fewer are above -inf, the rest are -inf at place 0.
void largest_sums(std::int64_t rows, std::int64_t words, const float* base, const float* x,
                  std::int64_t count, float* sums, std::int64_t* places);

/// Context vectors: out[r,:] = sum over L of weight[r,l] * value[photo of r,l,:].
struct WeightedSums {
  std::int64_t rows = 0, positions = 0, size = 0;  // n, L, D
  const std::int64_t* photo = nullptr;             // (n)
  const float* weight = nullptr;                   // (n,L)
  const float* value = nullptr;                    // (photos,L,D)
};
void weighted_sums(const WeightedSums& sums, float* out);

/// x[r,:] *= sigmoid(gate[r,:]); gate's rows are `gate_stride` apart.
void gate_rows(std::int64_t rows, std::int64_t size, const float* gate, std::int64_t gate_stride,
               float* x);

/// One attention step (Xu et al. 2015, eq. 4): t[r,l,:] = tanh(key[r,l,:] + query[r,:]) and
/// score[r,l] = t[r,l,:] . v. Key row r is `key + key_row[r] * L * A` (null: r itself), so that
/// beams share the keys of their photo. `t` may be null if no gradient is needed.
struct AttentionStep {
  std::int64_t rows = 0, positions = 0, size = 0;  // n, L, A
  const float* key = nullptr;
  const std::int64_t* key_row = nullptr;
  const float* query = nullptr;
  std::int64_t query_stride = 0;
  const float* v = nullptr;
};
void attention_scores(const AttentionStep& step, float* t, float* score);

/// The same with a ReLU in place of the tanh: score[r,l] = max(key[r,l,:] + query[r,:], 0) . v.
void relu_attention_scores(const AttentionStep& step, float* score);

/// Gradient of attention_scores for one step: adds to d_key (n,L,A), writes d_query (n,A at
/// `d_query_stride`). `t` is what the forward pass wrote, d_score is (n,L).
void attention_scores_backward(const AttentionStep& step, const float* t, const float* d_score,
                               float* d_key, float* d_query, std::int64_t d_query_stride);

/// One LSTM cell step. gates (n, 4H: input, forget, cell, output before their activations) become
/// activated in place; c_out = f c_in + i g, tanh_c = tanh(c_out), h_out = o tanh_c.
void lstm_cell(std::int64_t rows, std::int64_t hidden, float* gates, const float* c_in,
               float* c_out, float* tanh_c, float* h_out);

/// The same with gates (n,4H) that are sums of a word's gates and of parts that several rows may
/// share: word[word_of[r]] + state[state_of[r]] + context[state_of[r]], whose rows lie
/// `state_stride` and `context_stride` apart.
struct GateSums {
  std::int64_t rows = 0, hidden = 0;
  const float* word = nullptr;             // (V,4H)
  const std::int64_t* word_of = nullptr;   // (n)
  const std::int64_t* state_of = nullptr;  // (n)
  const float* state = nullptr;
  const float* context = nullptr;
  std::int64_t state_stride = 0, context_stride = 0;
};
void lstm_cell_of(const GateSums& gates, const float* c_in, float* c_out, float* h_out);

/// Bits of the bfloat16s nearest to `count` numbers, ties to even. NaN stays NaN.
void round_to_bfloat16(const float* x, std::int64_t count, std::uint16_t* bits);

/// Gradient of lstm_cell: from d_h (n,H) and d_c (n,H, of c_out; becomes that of c_in) to d_gates
/// (n at `d_gates_stride`, of the values before their activations).
void lstm_cell_backward(std::int64_t rows, std::int64_t hidden, const float* gates,
                        const float* c_in, const float* tanh_c, const float* d_h, float* d_c,
                        float* d_gates, std::int64_t d_gates_stride);

/// One AdamW update of `count` parameters (models/train/loss/adam.h).
struct AdamUpdate {
  float scale = 1;  // of the gradient
  float beta1 = 0, beta2 = 0, epsilon = 0;
  float rate = 0;     // over 1 - beta1^t
  float unbias2 = 1;  // 1 / (1 - beta2^t)
  float decay = 0;    // share of the parameter that is subtracted
};
void adam_update(const AdamUpdate& update, std::int64_t count, const float* gradient, float* first,
                 float* second, float* parameter);

}  // namespace photoscribe
