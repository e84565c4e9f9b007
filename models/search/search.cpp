#include "models/search/search.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "models/format/vocabulary.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr double kRepeatCost = 2;  // of a log-probability

/// Which words of the decoder name concepts: (V) bool.
Tensor names_of(const DecoderParameters& parameters) {
  const ConceptParameters* concepts = concepts_of(parameters);
  return concepts == nullptr ? Tensor() : concepts->of_word.ge(0);
}

/// Subtracts kRepeatCost in log_p (R,V) for each word of a row's history (R,t) that names a
/// concept.
void penalise_repeats(Tensor& log_p, const Tensor& history, const Tensor& names) {
  const Tensor cost =
      at::zeros(history.sizes(), log_p.options())
          .masked_fill_(names.index_select(0, history.flatten()).view(history.sizes()),
                        -kRepeatCost);
  log_p.scatter_add_(1, history, cost);
}

/// Leaves the end token as the only candidate.
void force_end(Tensor& log_p) {
  const Tensor end = log_p.select(1, kEndToken).clone();
  log_p.fill_(kNever).select(1, kEndToken).copy_(end);
}

/// A caption that was replaced by one that names the required concepts is the first alternative.
void keep_replaced(const Hypothesis& before, const SearchSettings& settings, Hypothesis& now) {
  if (before.tokens == now.tokens) return;
  const auto length = static_cast<std::int64_t>(before.tokens.size()) + 1;
  now.alternatives = before.alternatives;
  now.alternatives.insert(now.alternatives.begin(),
                          {before.tokens, before.log_prob,
                           before.log_prob / length_norm(length, settings.length_alpha)});
  std::erase_if(now.alternatives, [&now](const auto& one) { return one.tokens == now.tokens; });
  if (now.alternatives.size() > static_cast<std::size_t>(settings.alternatives))
    now.alternatives.resize(static_cast<std::size_t>(settings.alternatives));
}

}  // namespace

CaptionSearch::CaptionSearch(const DecoderParameters& parameters, Precision precision,
                             EndingRule endings)
    : network_(make_step_network(parameters, precision)),
      names_(names_of(parameters)),
      constraints_(concepts_of(parameters)),
      endings_(std::move(endings)) {}

CaptionSearch::CaptionSearch(const std::vector<DecoderParameters>& members, Precision precision,
                             EndingRule endings)
    : network_(make_ensemble(members, precision)),
      names_(names_of(members.front())),
      constraints_(concepts_of(members.front())),
      endings_(std::move(endings)) {}

void CaptionSearch::run_beams(Beams& b, const SearchSettings& settings,
                              const std::vector<int>& named, std::vector<Hypothesis>& all) const {
  const bool on_cpu = b.tokens().device().is_cpu();
  const std::int64_t T = settings.tokens_max;
  for (std::int64_t t = 0; t <= T; ++t) {
    Tensor attention;
    Tensor log_p = network_->step(b.a, b.tokens(), b.a.h, b.a.c,
                                  settings.attention != 0 ? &attention : nullptr);  // (R,V)
    if (t > 0) {
      const Tensor history = b.history().narrow(3, 0, t).reshape({-1, t});
      if (names_.defined()) penalise_repeats(log_p, history, names_);
      endings_.penalise(log_p, history);
    }
    if (t == T) force_end(log_p);
    b.advance(log_p, t, settings, attention);
    if (t == T) break;
    b.settle(t, settings);
    if (!(on_cpu || t % 4 == 3)) continue;  // asking costs a round trip to the GPU
    const Tensor open = b.open();
    if (open.numel() == 0) break;
    // Finished photos leave once they are an eighth; a GPU is faster with shapes that stay as they
    // are.
    if (on_cpu && open.numel() * 8 <= b.photos() * 7) {
      b.write(named, all);
      b.keep(open);
    }
  }
  b.write(named, all);
}

std::vector<Hypothesis> CaptionSearch::run(const Tensor& features,
                                           const SearchSettings& settings) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t N = features.size(0), T = settings.tokens_max;
  std::vector<Hypothesis> all(static_cast<std::size_t>(N));
  if (N == 0) return all;
  const Annotations annotations = network_->annotate_photos(features);
  Beams plain(annotations, T);
  if (settings.alternatives > 0) plain.keep_alternatives(settings.alternatives);
  run_beams(plain, settings, std::vector<int>(all.size(), -1), all);

  // No more rows at once than in the plain search, except for a single photo.
  const std::vector<ConstraintGroup> unmet = constraints_.unmet(all, all.size());
  if (unmet.empty()) return all;
  const std::vector<int> named = constraints_.named(all);
  const std::vector<Hypothesis> before =
      settings.alternatives > 0 ? all : std::vector<Hypothesis>();
  for (const ConstraintGroup& group : unmet) {
    Beams constrained(annotations, T, group.constraints,
                      at::tensor(group.photos).to(features.device()));
    run_beams(constrained, settings, named, all);
  }
  for (std::size_t i = 0; i < before.size(); ++i) keep_replaced(before[i], settings, all[i]);
  return all;
}

std::vector<Hypothesis> CaptionSearch::sample(const Tensor& features, std::int64_t count,
                                              std::int64_t tokens_max,
                                              const Tensor& concepts) const {
  const torch::NoGradGuard no_grad;
  const std::int64_t N = features.size(0), R = N * count;
  std::vector<Hypothesis> all(static_cast<std::size_t>(R));
  if (R == 0) return all;
  const auto integers = torch::dtype(torch::kInt64).device(features.device());
  Annotations a = network_->annotate_photos(features, concepts);
  a.h = a.h.repeat_interleave(count, 0);
  a.c = a.c.repeat_interleave(count, 0);
  Tensor tokens = at::full({R}, kStartToken, integers),
         log_prob = at::zeros({R}, integers.dtype(torch::kFloat32));
  Tensor ended = at::zeros({R}, integers.dtype(torch::kBool));
  std::vector<Tensor> words;
  for (std::int64_t t = 0; t <= tokens_max; ++t) {
    const Tensor log_p = network_->step(a, tokens, a.h, a.c);  // (R,V)
    if (t == tokens_max) {
      tokens = at::full({R}, kEndToken, integers);
    } else {
      // The first word whose cumulative probability passes a uniform number.
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

SoftTargets CaptionSearch::soft_targets(
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
  // The word that each row is given at each step; rows that do not exist are given end tokens.
  Tensor inputs = at::full({T, N * B}, kEndToken, torch::kInt64);
  auto* to = inputs.data_ptr<std::int64_t>();
  for (std::size_t n = 0; n < captions.size(); ++n)
    for (std::size_t b = 0; b < captions[n].size(); ++b)
      for (std::size_t t = 0; t < captions[n][b].size(); ++t)
        to[t * captions.size() * rows + n * rows + b] =
            t == 0 ? kStartToken : captions[n][b][t - 1];
  inputs = inputs.to(features.device());

  Annotations a = network_->annotate_photos(features);
  a.h = a.h.repeat_interleave(B, 0);
  a.c = a.c.repeat_interleave(B, 0);
  std::vector<Tensor> likeliest, shares;
  for (std::int64_t t = 0; t < T; ++t) {
    const auto [log_p, word] = at::topk(network_->step(a, inputs[t], a.h, a.c), count, 1);
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
