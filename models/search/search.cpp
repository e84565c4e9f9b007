#include "models/search/search.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "models/format/vocabulary.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr double kNever = -1e30;  // a score that nothing is below; finite, so that no NaN comes up

constexpr double kRepeatCost = 2;  // of a log-probability

/// Which words of the decoder name concepts (V) bool.
Tensor names_of(const DecoderParameters& parameters) {
  const ConceptParameters* concepts = concepts_of(parameters);
  return concepts == nullptr ? Tensor() : concepts->of_word.ge(0);
}

/// Takes kRepeatCost from the words of each row's history (R,t) that name concepts in log_p (R,V).
void mind_repeats(Tensor& log_p, const Tensor& history, const Tensor& names) {
  const Tensor cost =
      at::zeros(history.sizes(), log_p.options())
          .masked_fill_(names.index_select(0, history.flatten()).view(history.sizes()),
                        -kRepeatCost);
  log_p.scatter_add_(1, history, cost);
}

double normaliser(std::int64_t tokens, double alpha) {
  return std::pow(static_cast<double>(tokens), alpha);
}

/// Share of `words` that the other captions (B,T) have too, on average over these. One that is
/// `words` so far is no other.
double agreement(const std::vector<std::int64_t>& words, const Tensor& captions) {
  if (words.empty()) return 1;
  const std::int64_t T = captions.size(1);
  double sum = 0, others = 0;
  for (std::int64_t b = 0; b < captions.size(0); ++b) {
    const auto* from = captions.data_ptr<std::int64_t>() + b * T;
    if (std::equal(words.begin(), words.end(), from)) continue;
    ++others;
    for (const std::int64_t word : words)
      sum += std::find(from, from + T, word) == from + T ? 0 : 1;
  }
  return others == 0 ? 1 : sum / others / static_cast<double>(words.size());
}

}  // namespace

/// What the search knows of every photo.
struct CaptionSearch::Beams {
  Annotations a;       // values, keys and fixed (N,..), h and c (R,H)
  Tensor photo;        // (N) its place in the batch
  Tensor scores;       // (N,B) of the open beams
  Tensor worst;        // (N,B) log-probability of the least likely word of each
  Tensor tokens;       // (R) last word of each
  Tensor history;      // (N,B,T) words so far
  Tensor best_score;   // (N) normalised, of the best finished caption
  Tensor best_log;     // (N)
  Tensor best_tokens;  // (N,T)
  Tensor best_length;  // (N)
  Tensor best_worst;   // (N)
  Tensor done;         // (N) bool: the best is final, whatever the others of the batch still do

  void advance(const Tensor& log_p, std::int64_t t, const SearchSettings& settings);
  /// Goes on with these photos alone.
  void keep(const Tensor& photos);
  /// Puts the best captions where they belong.
  void write(std::vector<Hypothesis>& all) const;
};

CaptionSearch::CaptionSearch(const DecoderParameters& parameters)
    : network_(make_step_network(parameters)), names_(names_of(parameters)) {}

CaptionSearch::CaptionSearch(const std::vector<DecoderParameters>& members)
    : network_(make_ensemble(members)), names_(names_of(members.front())) {}

void CaptionSearch::Beams::keep(const Tensor& photos) {
  const auto keep_photos = [&photos](std::initializer_list<Tensor*> all) {
    for (Tensor* one : all)
      if (one->defined()) *one = one->index_select(0, photos);
  };
  const auto keep_annotations = [&](Annotations& of) {
    keep_photos({&of.values, &of.keys, &of.fixed, &of.concepts, &of.odds, &of.novelty});
  };
  for (Annotations& member : a.members) keep_annotations(member);
  keep_annotations(a);
  keep_photos({&scores, &worst, &history, &best_score, &best_log, &best_tokens, &best_length,
               &best_worst, &done, &photo});
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
               where = photo.cpu(), least = best_worst.cpu(), open = history.cpu();
  const Tensor seen = a.concepts.defined() ? a.concepts.to(torch::kFloat32).cpu() : Tensor(),
               far = a.novelty.defined() ? a.novelty.cpu() : Tensor();
  for (std::int64_t i = 0; i < words.size(0); ++i) {
    const auto* from = words.data_ptr<std::int64_t>() + i * words.size(1);
    Hypothesis& one = all[static_cast<std::size_t>(where.data_ptr<std::int64_t>()[i])];
    one.tokens.assign(from, from + lengths.data_ptr<std::int64_t>()[i]);
    one.log_prob = static_cast<double>(logs.data_ptr<float>()[i]);
    one.word_log_prob_min = static_cast<double>(least.data_ptr<float>()[i]);
    one.beam_agreement = agreement(one.tokens, open[i]);
    if (seen.defined()) {
      const auto* probability = seen.data_ptr<float>() + i * seen.size(1);
      one.concepts.assign(probability, probability + seen.size(1));
    }
    if (far.defined()) one.novelty = static_cast<double>(far.data_ptr<float>()[i]);
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
  const Tensor least =  // (N,2B)
      at::minimum(worst.gather(1, beam), log_p.view({N, W * V}).gather(1, flat));
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
  best_worst = at::where(better, worst.gather(1, parent).squeeze(1), best_worst);
  best_score = at::where(better, candidate.squeeze(1), best_score);
  if (t == T) return;

  // Open: the first B that do not end.
  const std::int64_t kept = std::min(B, score.size(1));
  const auto [open_score, open] = at::topk(score.masked_fill(ends, kNever), kept, 1);
  scores = open_score;
  worst = least.gather(1, open);
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
  b.a = network_->look(features);
  b.photo = at::arange(N, whole);
  b.scores = at::zeros({N, 1}, real);  // one open beam each before the first word
  b.worst = at::zeros({N, 1}, real);
  b.tokens = at::full({N}, kStartToken, whole);
  b.history = at::full({N, 1, T}, kEndToken, whole);
  b.best_score = at::full({N}, kNever, real);
  b.best_log = at::zeros({N}, real);
  b.best_tokens = at::full({N, T}, kEndToken, whole);
  b.best_length = at::zeros({N}, whole);
  b.best_worst = at::zeros({N}, real);
  b.done = at::zeros({N}, whole.dtype(torch::kBool));
  for (std::int64_t t = 0; t <= T; ++t) {
    Tensor log_p = network_->step(b.a, b.tokens, b.a.h, b.a.c);  // (R,V)
    if (t > 0 && names_.defined())
      mind_repeats(log_p, b.history.narrow(2, 0, t).reshape({-1, t}), names_);
    if (t == T) {  // nothing but the end may follow
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

std::vector<Hypothesis> CaptionSearch::sample(const Tensor& features, std::int64_t count,
                                              std::int64_t tokens_max,
                                              const Tensor& concepts) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t N = features.size(0), R = N * count;
  std::vector<Hypothesis> all(static_cast<std::size_t>(R));
  if (R == 0) return all;
  const auto whole = torch::dtype(torch::kInt64).device(features.device());
  Annotations a = network_->look(features, concepts);
  a.h = a.h.repeat_interleave(count, 0);
  a.c = a.c.repeat_interleave(count, 0);
  Tensor tokens = at::full({R}, kStartToken, whole),
         log_prob = at::zeros({R}, whole.dtype(torch::kFloat32));
  Tensor ended = at::zeros({R}, whole.dtype(torch::kBool));
  std::vector<Tensor> words;
  for (std::int64_t t = 0; t <= tokens_max; ++t) {
    const Tensor log_p = network_->step(a, tokens, a.h, a.c);  // (R,V)
    if (t == tokens_max) {
      tokens = at::full({R}, kEndToken, whole);
    } else {
      // The first word whose cumulated probability passes a uniform number.
      const Tensor sums = log_p.exp().cumsum(1);
      const Tensor level = at::rand({R, 1}, sums.options()) * sums.narrow(1, sums.size(1) - 1, 1);
      tokens = at::searchsorted(sums, level, /*out_int32=*/false, /*right=*/true)
                   .squeeze(1)
                   .clamp_max(sums.size(1) - 1);
      tokens = tokens.masked_fill(ended, kEndToken);
    }
    log_prob += log_p.gather(1, tokens.unsqueeze(1)).squeeze(1).masked_fill(ended, 0);
    words.push_back(tokens);
    ended = ended | tokens.eq(kEndToken);
    if ((features.device().is_cpu() || t % 4 == 3) && ended.all().item<bool>()) break;
  }
  const Tensor table = at::stack(words, 1).cpu(), logs = log_prob.cpu();
  for (std::int64_t r = 0; r < R; ++r) {
    const auto* from = table.data_ptr<std::int64_t>() + r * table.size(1);
    Hypothesis& one = all[static_cast<std::size_t>(r)];
    for (std::int64_t t = 0; t < table.size(1) && from[t] != kEndToken; ++t)
      one.tokens.push_back(from[t]);
    one.log_prob = static_cast<double>(logs.data_ptr<float>()[r]);
  }
  return all;
}

Expectation CaptionSearch::expect(
    const Tensor& features, const std::vector<std::vector<std::vector<std::int64_t>>>& captions,
    std::int64_t count) const {
  const torch::NoGradGuard no_grad;
  std::size_t rows = 0, words = 0;  // of a photo, of a caption
  for (const auto& photo : captions) {
    rows = std::max(rows, photo.size());
    for (const auto& caption : photo) words = std::max(words, caption.size());
  }
  const auto N = static_cast<std::int64_t>(captions.size()), B = static_cast<std::int64_t>(rows),
             T = static_cast<std::int64_t>(words);
  // What each row is told at each step; rows that do not exist are told ends.
  Tensor told = at::full({T, N * B}, kEndToken, torch::kInt64);
  auto* to = told.data_ptr<std::int64_t>();
  for (std::size_t n = 0; n < captions.size(); ++n)
    for (std::size_t b = 0; b < captions[n].size(); ++b)
      for (std::size_t t = 0; t < captions[n][b].size(); ++t)
        to[t * captions.size() * rows + n * rows + b] =
            t == 0 ? kStartToken : captions[n][b][t - 1];
  told = told.to(features.device());

  Annotations a = network_->look(features);
  a.h = a.h.repeat_interleave(B, 0);
  a.c = a.c.repeat_interleave(B, 0);
  std::vector<Tensor> likeliest, shares;
  for (std::int64_t t = 0; t < T; ++t) {
    const auto [log_p, word] = at::topk(network_->step(a, told[t], a.h, a.c), count, 1);
    likeliest.push_back(word);
    shares.push_back(at::softmax(log_p, 1));
  }
  const Tensor all_words = at::stack(likeliest, 1), all_shares = at::stack(shares, 1);  // (R,T,K)
  std::vector<Tensor> some_words, some_shares;
  for (std::size_t n = 0; n < captions.size(); ++n) {
    for (std::size_t b = 0; b < captions[n].size(); ++b) {
      const auto row = static_cast<std::int64_t>(n * rows + b),
                 length = static_cast<std::int64_t>(captions[n][b].size());
      some_words.push_back(all_words[row].narrow(0, 0, length));
      some_shares.push_back(all_shares[row].narrow(0, 0, length));
    }
  }
  return {at::cat(some_words), at::cat(some_shares)};
}

}  // namespace photoscribe
