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
  Annotations a;       // values and keys (N,..), h and c (R,H)
  Tensor photo;        // (N) its place in the batch
  Tensor scores;       // (N,B) of the open beams
  Tensor tokens;       // (R) last word of each
  Tensor history;      // (N,B,T) words so far
  Tensor best_score;   // (N) normalised, of the best finished caption
  Tensor best_log;     // (N)
  Tensor best_tokens;  // (N,T)
  Tensor best_length;  // (N)
  Tensor done;         // (N) bool: the best is final, whatever the others of the batch still do

  void advance(const Tensor& log_p, std::int64_t t, const SearchSettings& settings);
  /// Goes on with these photos alone.
  void keep(const Tensor& photos);
  /// Puts the best captions where they belong.
  void write(std::vector<Hypothesis>& all) const;
};

CaptionSearch::CaptionSearch(const DecoderParameters& parameters) : p_(parameters) {
  const torch::NoGradGuard no_grad;
  annotate_ = FastLinear(p_.annotate_weight, p_.annotate_bias);
  key_ = FastLinear(p_.key_weight, {});
  word_gates_ = at::linear(p_.embedding, p_.cell_input, p_.cell_bias).contiguous();
  word_output_ = (p_.embedding + p_.output_bias).contiguous();
  from_hidden_ = FastLinear(at::cat({p_.query_weight, p_.gate_weight, p_.cell_hidden}),
                            at::cat({p_.query_bias, p_.gate_bias, at::zeros_like(p_.cell_bias)}));
  from_context_ = FastLinear(p_.cell_context, {});
  output_hidden_ = FastLinear(p_.output_hidden, {});
  output_context_ = FastLinear(p_.output_context, {});
  torch::Tensor word_bias = p_.word_bias.clone();
  for (const std::int64_t special : {kPadToken, kStartToken, kUnknownToken})
    word_bias[special] = -std::numeric_limits<float>::infinity();
  word_ = FastLinear(p_.word_weight, word_bias);
}

/// annotate() of decoder.h, without a gradient.
Annotations CaptionSearch::look(const Tensor& features) const {
  const std::int64_t N = features.size(0), L = features.size(1);
  Annotations a;
  const Tensor values = annotate_(features.reshape({N * L, -1})).relu_();
  a.values = values.view({N, L, -1});
  a.keys = key_(values).view({N, L, -1});
  const auto start =
      at::tanh(at::linear(a.values.mean(1), p_.start_weight, p_.start_bias)).chunk(2, 1);
  a.h = start[0].contiguous();
  a.c = start[1].contiguous();
  return a;
}

torch::Tensor CaptionSearch::step(const Annotations& a, const Tensor& tokens, Tensor& h,
                                  Tensor& c) const {
  const std::int64_t R = h.size(0), H = h.size(1), N = a.values.size(0), beam = R / N;
  const std::int64_t A = p_.query_weight.size(0), D = p_.gate_weight.size(0);
  const Tensor fused = from_hidden_(h);
  const Tensor weight = attend(a.keys, fused.narrow(1, 0, A), p_.score_weight, beam);
  const Tensor context =
      at::bmm(weight, a.values).view({R, D}).mul_(at::sigmoid(fused.narrow(1, A, D)));
  Tensor gates = at::index_select(word_gates_, 0, tokens);
  gates.add_(fused.narrow(1, A + D, 4 * H));
  from_context_.add_to(gates, context);
  Tensor out = at::index_select(word_output_, 0, tokens);
  if (h.device().is_cpu() && h.scalar_type() == torch::kFloat32) {
    Tensor c_out = at::empty_like(c), tanh_c = at::empty_like(c), h_out = at::empty_like(h);
    lstm_cell(R, H, gates.data_ptr<float>(), c.data_ptr<float>(), c_out.data_ptr<float>(),
              tanh_c.data_ptr<float>(), h_out.data_ptr<float>());
    h = h_out;
    c = c_out;
    output_hidden_.add_to(out, h);
    output_context_.add_to(out, context);
    tanh_in_place(out.data_ptr<float>(), out.numel());
  } else {
    const auto part = gates.chunk(4, 1);
    c = at::sigmoid(part[1]) * c + at::sigmoid(part[0]) * at::tanh(part[2]);
    h = at::sigmoid(part[3]) * at::tanh(c);
    output_hidden_.add_to(out, h);
    output_context_.add_to(out, context);
    out.tanh_();
  }
  // Scores are summed in float32 whatever the network's type.
  return at::log_softmax(word_(out), 1, torch::kFloat32);
}

void CaptionSearch::Beams::keep(const Tensor& photos) {
  for (Tensor* one : {&scores, &history, &best_score, &best_log, &best_tokens, &best_length, &done,
                      &photo, &a.values, &a.keys}) {
    *one = one->index_select(0, photos);
  }
  const std::int64_t beam = scores.size(1);
  const auto rows = [&](const Tensor& x) {  // (N*B,...) -> those of the photos kept
    const auto by_photo = x.view({-1, beam, x.numel() / x.size(0)}).index_select(0, photos);
    return x.dim() == 1 ? by_photo.flatten() : by_photo.flatten(0, 1);
  };
  tokens = rows(tokens);
  a.h = rows(a.h);
  a.c = rows(a.c);
}

void CaptionSearch::Beams::write(std::vector<Hypothesis>& all) const {
  const Tensor words = best_tokens.cpu(), lengths = best_length.cpu(), logs = best_log.cpu(),
               where = photo.cpu();
  for (std::int64_t i = 0; i < words.size(0); ++i) {
    const auto* from = words.data_ptr<std::int64_t>() + i * words.size(1);
    Hypothesis& one = all[static_cast<std::size_t>(where.data_ptr<std::int64_t>()[i])];
    one.tokens.assign(from, from + lengths.data_ptr<std::int64_t>()[i]);
    one.log_prob = static_cast<double>(logs.data_ptr<float>()[i]);
  }
}

/// Takes one word's log-probabilities (R,V) into account: finished captions compete for the best,
/// the likeliest others stay open. `t` words stand before it.
void CaptionSearch::Beams::advance(const Tensor& log_p, std::int64_t t,
                                   const SearchSettings& settings) {
  const std::int64_t N = scores.size(0), W = scores.size(1), V = log_p.size(1), B = settings.beam;
  const std::int64_t T = settings.tokens_max;
  const Tensor total = (scores.view({-1, 1}) + log_p).view({N, W * V});
  const auto [score, flat] = at::topk(total, std::min(2 * B, W * V), 1);  // (N,2B) falling
  const Tensor beam = at::floor_divide(flat, V), word = at::remainder(flat, V);
  const Tensor ends = word.eq(kEndToken);
  const Tensor in_beam = at::arange(score.size(1), flat.options()).lt(B).unsqueeze(0);  // (1,2B)

  // Finished: an end among the first B candidates, when it beats what the photo has.
  const Tensor normal =
      at::where(ends & in_beam & score.gt(kNever / 1e3),
                score / normaliser(t + 1, settings.length_alpha), at::full_like(score, kNever));
  const auto [candidate, which] = normal.max(1, true);  // (N,1)
  const Tensor better = candidate.squeeze(1).gt(best_score) & done.logical_not();
  const Tensor parent = beam.gather(1, which);
  const Tensor words = history.gather(1, parent.unsqueeze(2).expand({N, 1, T})).squeeze(1);
  best_tokens = at::where(better.unsqueeze(1), words, best_tokens);
  best_length = at::where(better, at::full_like(best_length, t), best_length);
  best_log = at::where(better, score.gather(1, which).squeeze(1), best_log);
  best_score = at::where(better, candidate.squeeze(1), best_score);
  if (t == T) return;

  // Open: the first B that do not end.
  const std::int64_t kept = std::min(B, score.size(1));
  const auto [open_score, open] = at::topk(score.masked_fill(ends, kNever), kept, 1);
  scores = open_score;
  const Tensor open_beam = beam.gather(1, open);
  tokens = word.gather(1, open).view({-1});
  history = history.gather(1, open_beam.unsqueeze(2).expand({N, kept, T}));
  history.select(2, t).copy_(tokens.view({N, kept}));
  const Tensor rows = (open_beam + at::arange(0, N * W, W, flat.options()).unsqueeze(1)).view({-1});
  a.h = a.h.index_select(0, rows);
  a.c = a.c.index_select(0, rows);
}

std::vector<Hypothesis> CaptionSearch::run(const Tensor& features,
                                           const SearchSettings& settings) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t N = features.size(0), T = settings.tokens_max;
  std::vector<Hypothesis> all(static_cast<std::size_t>(N));
  if (N == 0) return all;
  const bool on_cpu = features.device().is_cpu();
  const auto whole = torch::dtype(torch::kInt64).device(features.device());
  const auto real = torch::dtype(torch::kFloat32).device(features.device());

  Beams b;
  b.a = look(features);
  b.photo = at::arange(N, whole);
  b.scores = at::zeros({N, 1}, real);  // one open beam each before the first word
  b.tokens = at::full({N}, kStartToken, whole);
  b.history = at::full({N, 1, T}, kEndToken, whole);
  b.best_score = at::full({N}, kNever, real);
  b.best_log = at::zeros({N}, real);
  b.best_tokens = at::full({N, T}, kEndToken, whole);
  b.best_length = at::zeros({N}, whole);
  b.done = at::zeros({N}, whole.dtype(torch::kBool));
  for (std::int64_t t = 0; t <= T; ++t) {
    Tensor log_p = step(b.a, b.tokens, b.a.h, b.a.c);  // (R,V)
    if (t == T) {                                      // nothing but the end may follow
      const Tensor end = log_p.select(1, kEndToken).clone();
      log_p.fill_(kNever).select(1, kEndToken).copy_(end);
    }
    b.advance(log_p, t, settings);
    if (t == T) break;
    // What the likeliest open caption would be worth if its next word were the end.
    const Tensor reachable =
        b.scores.select(1, 0) / normaliser(std::min(T, t + 1) + 1, settings.length_alpha);
    b.done = b.done | b.best_score.ge(reachable);
    if (!(on_cpu || t % 4 == 3)) continue;  // asking costs a GPU a round trip
    const Tensor open = at::nonzero(b.done.logical_not()).view({-1});
    if (open.numel() == 0) break;
    // Finished photos leave once they are an eighth; a GPU's kernels would rather stay as they are.
    if (on_cpu && open.numel() * 8 <= b.scores.size(0) * 7) {
      b.write(all);
      b.keep(open);
    }
  }
  b.write(all);
  return all;
}

}  // namespace photoscribe
