#include "models/search.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/kernels.h"
#include "models/vocabulary.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr double kNever = -1e30;  // a score that nothing is below; finite, so that no NaN comes up

double normaliser(std::int64_t tokens, double alpha) {
  return std::pow(static_cast<double>(tokens), alpha);
}

/// softmax(tanh(keys + query) . v) over L: keys (N,L,A), query (R,A) of a wider row -> (N,B,L).
Tensor attend(const Tensor& keys, const Tensor& query, const Tensor& v, std::int64_t beam) {
  const std::int64_t N = keys.size(0), L = keys.size(1), A = keys.size(2), R = query.size(0);
  if (keys.device().is_cpu() && keys.scalar_type() == torch::kFloat32) {
    Tensor score = at::empty({R, L}, keys.options());
    std::vector<std::int64_t> key_row(static_cast<std::size_t>(R));
    for (std::int64_t r = 0; r < R; ++r) key_row[static_cast<std::size_t>(r)] = r / beam;
    const AttentionStep all{R,
                            L,
                            A,
                            keys.data_ptr<float>(),
                            key_row.data(),
                            query.data_ptr<float>(),
                            query.stride(0),
                            v.data_ptr<float>()};
    attention_scores(all, nullptr, score.data_ptr<float>());
    return at::softmax(score, 1).view({N, beam, L});
  }
  const Tensor t = at::tanh(keys.unsqueeze(1) + query.reshape({N, beam, 1, A}));
  return at::softmax(at::matmul(t, v), 2);
}

}  // namespace

/// What the search knows of every photo.
struct CaptionSearch::Beams {
  Tensor scores;       // (N,B) of the open beams
  Tensor tokens;       // (R) last word of each
  Tensor history;      // (N,B,T) words so far
  Tensor best_score;   // (N) normalised, of the best finished caption
  Tensor best_log;     // (N)
  Tensor best_tokens;  // (N,T)
  Tensor best_length;  // (N)
};

CaptionSearch::CaptionSearch(const DecoderParameters& parameters) : p_(parameters) {
  const torch::NoGradGuard no_grad;
  word_gates_ = at::linear(p_.embedding, p_.cell_input, p_.cell_bias).contiguous();
  word_output_ = (p_.embedding + p_.output_bias).contiguous();
  from_hidden_t_ = at::cat({p_.query_weight, p_.gate_weight, p_.cell_hidden}).t().contiguous();
  from_hidden_bias_ = at::cat({p_.query_bias, p_.gate_bias, at::zeros_like(p_.cell_bias)});
  from_context_t_ = p_.cell_context.t().contiguous();
  output_hidden_t_ = p_.output_hidden.t().contiguous();
  output_context_t_ = p_.output_context.t().contiguous();
  word_t_ = p_.word_weight.t().contiguous();
  word_bias_ = p_.word_bias.clone();
  for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken})
    word_bias_[special] = -std::numeric_limits<float>::infinity();
}

torch::Tensor CaptionSearch::step(const Annotations& a, const Tensor& tokens, Tensor& h,
                                  Tensor& c) const {
  const std::int64_t R = h.size(0), H = h.size(1), N = a.values.size(0), beam = R / N;
  const std::int64_t A = p_.query_weight.size(0), D = p_.gate_weight.size(0);
  const Tensor fused = at::addmm(from_hidden_bias_, h, from_hidden_t_);
  const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight, beam);
  const Tensor context =
      at::bmm(weight, a.values).view({R, D}).mul_(at::sigmoid(fused.narrow(1, A, D)));
  Tensor gates = at::index_select(word_gates_, 0, tokens);
  gates.add_(fused.narrow(1, A + D, 4 * H)).addmm_(context, from_context_t_);
  Tensor out = at::index_select(word_output_, 0, tokens);
  if (h.device().is_cpu() && h.scalar_type() == torch::kFloat32) {
    Tensor c_out = at::empty_like(c), tanh_c = at::empty_like(c), h_out = at::empty_like(h);
    lstm_cell(R, H, gates.data_ptr<float>(), c.data_ptr<float>(), c_out.data_ptr<float>(),
              tanh_c.data_ptr<float>(), h_out.data_ptr<float>());
    h = h_out;
    c = c_out;
    out.addmm_(h, output_hidden_t_).addmm_(context, output_context_t_);
    tanh_in_place(out.data_ptr<float>(), out.numel());
  } else {
    const auto part = gates.chunk(4, 1);
    c = at::sigmoid(part[1]) * c + at::sigmoid(part[0]) * at::tanh(part[2]);
    h = at::sigmoid(part[3]) * at::tanh(c);
    out.addmm_(h, output_hidden_t_).addmm_(context, output_context_t_).tanh_();
  }
  // Scores are summed in float32 whatever the network's type.
  return at::log_softmax(at::addmm(word_bias_, out, word_t_), 1, torch::kFloat32);
}

std::vector<Hypothesis> CaptionSearch::run(const Tensor& features,
                                           const SearchSettings& settings) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t N = features.size(0), B = settings.beam, V = p_.embedding.size(0);
  const std::int64_t T = settings.tokens_max;
  if (N == 0) return {};
  Annotations a = annotate(p_, features);
  const auto whole = torch::dtype(torch::kInt64).device(features.device());
  const auto real = torch::dtype(torch::kFloat32).device(features.device());

  Beams b;
  b.scores = at::full({N, B}, kNever, real);
  b.scores.select(1, 0).zero_();  // all beams start equal: only the first counts
  b.tokens = at::full({N * B}, kStartToken, whole);
  b.history = at::full({N, B, T}, kEndToken, whole);
  b.best_score = at::full({N}, kNever, real);
  b.best_log = at::zeros({N}, real);
  b.best_tokens = at::full({N, T}, kEndToken, whole);
  b.best_length = at::zeros({N}, whole);
  const Tensor first_row = at::arange(0, N * B, B, whole).unsqueeze(1);      // (N,1)
  const Tensor ranks_in_beam = at::arange(2 * B, whole).lt(B).unsqueeze(0);  // (1,2B)
  Tensor h = a.h.repeat_interleave(B, 0), c = a.c.repeat_interleave(B, 0);

  for (std::int64_t t = 0; t <= T; ++t) {
    Tensor log_p = step(a, b.tokens, h, c);  // (R,V)
    if (t == T) {                            // nothing but the end may follow
      const Tensor end = log_p.select(1, kEndToken).clone();
      log_p.fill_(kNever).select(1, kEndToken).copy_(end);
    }
    const Tensor total = (b.scores.view({-1, 1}) + log_p).view({N, B * V});
    const auto [score, flat] = at::topk(total, std::min(2 * B, B * V), 1);  // (N,2B) falling
    const Tensor beam = at::floor_divide(flat, V), word = at::remainder(flat, V);
    const Tensor ends = word.eq(kEndToken);

    // Finished: an end among the first B candidates, when it beats what the photo has.
    const Tensor normal =
        at::where(ends & ranks_in_beam & score.gt(kNever / 1e3),
                  score / normaliser(t + 1, settings.length_alpha), at::full_like(score, kNever));
    const auto [candidate, which] = normal.max(1, true);  // (N,1)
    const Tensor better = candidate.squeeze(1) > b.best_score;
    const Tensor parent = beam.gather(1, which);
    const Tensor words = b.history.gather(1, parent.unsqueeze(2).expand({N, 1, T})).squeeze(1);
    b.best_tokens = at::where(better.unsqueeze(1), words, b.best_tokens);
    b.best_length = at::where(better, at::full_like(b.best_length, t), b.best_length);
    b.best_log = at::where(better, score.gather(1, which).squeeze(1), b.best_log);
    b.best_score = at::where(better, candidate.squeeze(1), b.best_score);
    if (t == T) break;

    // Open: the first B that do not end.
    const auto [open_score, open] = at::topk(score.masked_fill(ends, kNever), B, 1);
    b.scores = open_score;
    const Tensor open_beam = beam.gather(1, open);
    b.tokens = word.gather(1, open).view({-1});
    b.history = b.history.gather(1, open_beam.unsqueeze(2).expand({N, B, T}));
    b.history.select(2, t).copy_(b.tokens.view({N, B}));
    const Tensor rows = (open_beam + first_row).view({-1});
    h = h.index_select(0, rows);
    c = c.index_select(0, rows);
    // Asking costs a GPU a round trip, so it asks now and then.
    if (features.device().is_cpu() || t % 4 == 3) {
      const Tensor reachable = b.scores.select(1, 0) / normaliser(T + 1, settings.length_alpha);
      if ((b.best_score >= reachable).all().item<bool>()) break;
    }
  }

  const Tensor tokens = b.best_tokens.cpu(), lengths = b.best_length.cpu(), logs = b.best_log.cpu();
  std::vector<Hypothesis> all(static_cast<std::size_t>(N));
  for (std::int64_t i = 0; i < N; ++i) {
    const auto* from = tokens.data_ptr<std::int64_t>() + i * T;
    Hypothesis& one = all[static_cast<std::size_t>(i)];
    one.tokens.assign(from, from + lengths.data_ptr<std::int64_t>()[i]);
    one.log_prob = static_cast<double>(logs.data_ptr<float>()[i]);
  }
  return all;
}

}  // namespace photoscribe
