#include "models/search/beams.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <tuple>
#include <utility>

#include "models/decoder/kernels.h"
#include "models/decoder/step_parts.h"
#include "models/format/vocabulary.h"
#include "models/search/attention.h"

namespace photoscribe {
namespace {

using torch::Tensor;

bool is_caption(double score) { return score > kNever / 1e3; }

/// Share of `words` that the other captions (B,T) with valid `scores` (B) contain too, on average.
/// One that is equal to `words` so far does not count.
double agreement(const std::vector<std::int64_t>& words, const Tensor& captions,
                 const float* scores) {
  if (words.empty()) return 1;
  const std::int64_t T = captions.size(1);
  double sum = 0, others = 0;
  for (std::int64_t b = 0; b < captions.size(0); ++b) {
    const auto* from = captions.data_ptr<std::int64_t>() + b * T;
    if (!is_caption(scores[b]) || std::equal(words.begin(), words.end(), from)) continue;
    ++others;
    for (const std::int64_t word : words)
      sum += std::find(from, from + T, word) == from + T ? 0 : 1;
  }
  return others == 0 ? 1 : sum / others / static_cast<double>(words.size());
}

/// Keeps only what belongs to these photos, except h and c of `of` itself, which are rows.
void keep_photos(Annotations& of, const Tensor& photos) {
  for (Annotations& member : of.members) keep_photos(member, photos);
  for (Tensor* one : {&of.values, &of.keys, &of.fixed, &of.concepts, &of.odds, &of.novelty})
    if (one->defined()) *one = one->index_select(0, photos);
}

/// The `count` largest of scores (N,S,B) + log_p (N,S,B,V), in falling order, and their indices
/// among the B*V: (N,S,count) each.
std::pair<Tensor, Tensor> best_words(const Tensor& scores, const Tensor& log_p,
                                     std::int64_t count) {
  const std::int64_t N = log_p.size(0), S = log_p.size(1), B = log_p.size(2), V = log_p.size(3);
  if (!has_kernels(log_p)) {
    const auto best = at::topk((scores.unsqueeze(3) + log_p).view({N, S, B * V}), count, 2);
    return {std::get<0>(best), std::get<1>(best)};
  }
  Tensor sums = at::empty({N, S, count}, scores.options());
  Tensor places = at::empty({N, S, count}, scores.options().dtype(torch::kInt64));
  const Tensor base = scores.contiguous();
  for (std::int64_t i = 0; i < N * S; ++i)
    largest_sums(B, V, base.data_ptr<float>() + i * B, log_p.data_ptr<float>() + i * B * V, count,
                 sums.data_ptr<float>() + i * count, places.data_ptr<std::int64_t>() + i * count);
  return {sums, places};
}

int constraints_of(std::int64_t state) { return std::popcount(static_cast<std::uint64_t>(state)); }

}  // namespace

Beams::Beams(const Annotations& annotations, std::int64_t tokens_max,
             const ConstraintTensors& constraints, const Tensor& photos)
    : a(annotations),
      photo_(at::arange(annotations.h.size(0), torch::dtype(torch::kInt64).device(a.h.device()))) {
  if (constraints.count > 0) begin_constraints(constraints, photos);
  const std::int64_t N = photo_.size(0), S = std::int64_t{1} << constraints.count, T = tokens_max;
  const auto integers = photo_.options(), floats = integers.dtype(torch::kFloat32);
  // One open beam each before the first word, in the state in which nothing is named.
  scores_ = at::full({N, S, 1}, kNever, floats);
  scores_.select(1, 0).zero_();
  worst_ = at::zeros({N, S, 1}, floats);
  tokens_ = at::full({N * S}, kStartToken, integers);
  history_ = at::full({N, S, 1, T}, kEndToken, integers);
  best_score_ = at::full({N, S}, kNever, floats);
  best_log_ = at::zeros({N, S}, floats);
  best_tokens_ = at::full({N, S, T}, kEndToken, integers);
  best_length_ = at::zeros({N, S}, integers);
  best_worst_ = at::zeros({N, S}, floats);
  done_ = at::zeros({N}, integers.dtype(torch::kBool));
}

void Beams::begin_constraints(const ConstraintTensors& constraints, const Tensor& photos) {
  const auto device = a.h.device();
  photo_ = photos;
  keep_photos(a, photos);
  const std::int64_t C = constraints.count, S = std::int64_t{1} << C,
                     words = constraints.words.size(1) / C;
  a.h = a.h.index_select(0, photos).repeat_interleave(S, 0);
  a.c = a.c.index_select(0, photos).repeat_interleave(S, 0);
  constraints_ = {constraints.count, constraints.words.to(device), constraints.mask.to(device)};
  std::vector<std::int64_t> unmet, from;
  for (std::int64_t state = 0; state < S; ++state) {
    for (std::int64_t constraint = 0; constraint < C; ++constraint) {
      const std::int64_t bit = std::int64_t{1} << constraint;
      unmet.insert(unmet.end(), static_cast<std::size_t>(words), (state & bit) == 0 ? 1 : 0);
      // A state without the constraint leads to the one with it; in the other direction nothing is
      // unmet.
      from.push_back((state ^ bit) * C + constraint);
    }
  }
  unmet_ = at::tensor(unmet).view({S, C * words}).to(torch::kBool).to(device);
  from_ = at::tensor(from).to(device);
}

void Beams::keep(const Tensor& photos) {
  const std::int64_t N = scores_.size(0);
  const auto rows = [&](const Tensor& x) {  // (R,...) -> those of the photos kept
    const auto by_photo = x.view({N, x.size(0) / N, x.numel() / x.size(0)}).index_select(0, photos);
    return x.dim() == 1 ? by_photo.flatten() : by_photo.flatten(0, 1);
  };
  keep_photos(a, photos);
  a.h = rows(a.h);
  a.c = rows(a.c);
  tokens_ = rows(tokens_);
  for (Tensor* one : {&scores_,    &worst_,       &history_,           &best_score_,
                      &best_log_,  &best_tokens_, &best_length_,       &best_worst_,
                      &done_,      &photo_,       &constraints_.words, &constraints_.mask,
                      &top_score_, &top_log_,     &top_length_,        &top_tokens_,
                      &settled_,   &end_scores_,  &end_history_,       &rows_,
                      &best_rows_})
    if (one->defined()) *one = one->index_select(0, photos);
}

/// Removes from `each` (N,S,B,V) the words that meet an unmet constraint, since they lead to
/// another state, and returns their log-probabilities (N,S,B,K); kNever for the other words of
/// constraints.
Tensor Beams::take_constrained(Tensor& each) const {
  const std::int64_t N = each.size(0), S = each.size(1), B = each.size(2), K = unmet_.size(1);
  const Tensor words = constraints_.words.view({N, 1, 1, K}).expand({N, S, B, K});
  const Tensor log_p = each.gather(3, words), unmet = unmet_.view({1, S, 1, K});
  each.scatter_(3, words, log_p.masked_fill(unmet, kNever));
  return log_p.masked_fill((unmet & constraints_.mask.view({N, 1, 1, K})).logical_not(), kNever);
}

/// The beams that meet another constraint with a word of `named` (N,S,B,K), under the state that
/// they reach.
Beams::Candidates Beams::naming_another(const Tensor& named) const {
  const std::int64_t N = named.size(0), S = named.size(1), B = named.size(2), K = named.size(3),
                     C = constraints_.count;
  const auto moved = [&](const Tensor& x) {  // (..,S,B,K) -> (N,S,B*K), states changed
    return x.expand({N, S, B, K})
        .reshape({N, S, B, C, K / C})
        .transpose(2, 3)
        .reshape({N, S * C, B * K / C})
        .index_select(1, from_)
        .view({N, S, B * K});
  };
  return {moved(scores_.unsqueeze(3) + named),
          moved(at::arange(S * B, constraints_.words.options()).view({1, S, B, 1})),
          moved(constraints_.words.view({N, 1, 1, K})), moved(named)};
}

/// The `count` best of each state, or all if there are fewer.
Beams::Candidates Beams::candidates(const Tensor& log_p, std::int64_t count) const {
  const std::int64_t N = scores_.size(0), S = scores_.size(1), B = scores_.size(2),
                     V = log_p.size(1);
  Tensor each = log_p.view({N, S, B, V}), named;
  if (constraints_.count > 0) named = take_constrained(each);
  const auto [score, flat] = best_words(scores_, each, std::min(count, B * V));
  const Tensor first = at::arange(0, S * B, B, flat.options()).view({1, S, 1});
  const Candidates same{score, at::floor_divide(flat, V) + first, at::remainder(flat, V),
                        each.view({N, S, B * V}).gather(2, flat)};
  if (constraints_.count == 0) return same;
  const Candidates more = naming_another(named);
  const auto [best, which] = at::topk(at::cat({same.score, more.score}, 2), same.score.size(2), 2);
  const auto both = [&at = which](const Tensor& x, const Tensor& y) {
    return at::cat({x, y}, 2).gather(2, at);
  };
  return {best, both(same.parent, more.parent), both(same.word, more.word),
          both(same.log_p, more.log_p)};
}

void Beams::keep_alternatives(std::int64_t count) {
  const std::int64_t N = scores_.size(0), P = count + 1, T = history_.size(3);
  top_score_ = at::full({N, P}, kNever, scores_.options());
  top_log_ = at::zeros({N, P}, scores_.options());
  top_length_ = at::zeros({N, P}, tokens_.options());
  top_tokens_ = at::full({N, P, T}, kEndToken, tokens_.options());
  settled_ = at::zeros_like(done_);
}

/// Those of `normal` (N,K) that end join the best P, unless the photo is settled. No two are the
/// same, since open beams differ.
void Beams::collect(const Tensor& normal, const Candidates& next, std::int64_t t) {
  const std::int64_t N = normal.size(0), K = normal.size(1), P = top_score_.size(1),
                     T = history_.size(3);
  const Tensor fresh = normal.masked_fill(settled_.unsqueeze(1), kNever);
  const Tensor parent = next.parent.select(1, 0);  // (N,K)
  const Tensor words =
      history_.view({N, -1, T}).gather(1, parent.unsqueeze(2).expand({N, K, T}));  // (N,K,T)
  const auto [score, which] = at::topk(at::cat({top_score_, fresh}, 1), P, 1);     // (N,P)
  const auto both = [&at = which](const Tensor& x, const Tensor& y) {
    return at::cat({x, y}, 1).gather(1, at);
  };
  top_score_ = score;
  top_log_ = both(top_log_, next.score.select(1, 0));
  top_length_ = both(top_length_, at::full_like(parent, t));
  top_tokens_ = at::cat({top_tokens_, words}, 1).gather(1, which.unsqueeze(2).expand({N, P, T}));
}

/// Finishes captions: an end among the first candidates that beats the state's best so far.
void Beams::finish(const Candidates& next, std::int64_t t, const SearchSettings& settings) {
  const std::int64_t N = scores_.size(0), S = scores_.size(1), T = settings.tokens_max;
  const Tensor first = at::arange(next.word.size(2), next.word.options()).lt(settings.beam);
  const Tensor normal = at::where(
      next.word.eq(kEndToken) & first.view({1, 1, -1}) & next.score.gt(kNever / 1e3),
      next.score / length_norm(t + 1, settings.length_alpha), at::full_like(next.score, kNever));
  if (settled_.defined()) collect(normal.select(1, 0), next, t);
  const auto [candidate, which] = normal.max(2, true);  // (N,S,1)
  const Tensor better = candidate.squeeze(2).gt(best_score_) & done_.logical_not().unsqueeze(1);
  const Tensor parent = next.parent.gather(2, which).squeeze(2);  // (N,S)
  const Tensor words = history_.view({N, -1, T}).gather(1, parent.unsqueeze(2).expand({N, S, T}));
  best_tokens_ = at::where(better.unsqueeze(2), words, best_tokens_);
  if (rows_.defined()) {
    const Tensor rows = rows_.view({N, -1, T}).gather(1, parent.unsqueeze(2).expand({N, S, T}));
    best_rows_ = at::where(better.unsqueeze(2), rows, best_rows_);
  }
  best_length_ = at::where(better, at::full_like(best_length_, t), best_length_);
  best_log_ = at::where(better, next.score.gather(2, which).squeeze(2), best_log_);
  best_worst_ = at::where(better, worst_.view({N, -1}).gather(1, parent), best_worst_);
  best_score_ = at::where(better, candidate.squeeze(2), best_score_);
}

void Beams::keep_attention(const Tensor& attention) {
  attention_.push_back(attention);
  if (rows_.defined()) return;
  rows_ = at::zeros_like(history_);
  best_rows_ = at::zeros_like(best_tokens_);
}

void Beams::advance(const Tensor& log_p, std::int64_t t, const SearchSettings& settings,
                    const Tensor& attention) {
  if (attention.defined()) keep_attention(attention);
  const std::int64_t N = scores_.size(0), S = scores_.size(1), W = scores_.size(2),
                     T = settings.tokens_max;
  const Candidates next = candidates(log_p, 2 * std::int64_t{settings.beam});
  finish(next, t, settings);
  if (t == T) return;

  // Open: the first B that do not end.
  const std::int64_t B = std::min<std::int64_t>(settings.beam, next.score.size(2));
  const auto [score, open] =
      at::topk(next.score.masked_fill(next.word.eq(kEndToken), kNever), B, 2);  // (N,S,B)
  const Tensor parent = next.parent.gather(2, open).view({N, S * B});
  scores_ = score;
  worst_ = at::minimum(worst_.view({N, S * W}).gather(1, parent).view({N, S, B}),
                       next.log_p.gather(2, open));
  tokens_ = next.word.gather(2, open).view({-1});
  const Tensor rows =
      (parent + at::arange(0, N * S * W, S * W, parent.options()).unsqueeze(1)).view({-1});
  const auto follow = [&](Tensor& kept, const Tensor& newest) {  // (N,S,W,T) -> (N,S,B,T)
    kept = kept.view({N * S * W, T}).index_select(0, rows).view({N, S, B, T});
    kept.select(3, t).copy_(newest.view({N, S, B}));
  };
  follow(history_, tokens_);
  if (rows_.defined()) follow(rows_, rows);
  a.h = a.h.index_select(0, rows);
  a.c = a.c.index_select(0, rows);
}

void Beams::settle(std::int64_t t, const SearchSettings& settings) {
  const std::int64_t last = std::min<std::int64_t>(settings.tokens_max, t + 1);
  const Tensor reachable = std::get<0>(scores_.select(2, 0).max(1)) /
                           length_norm(last + 1, settings.length_alpha);  // (N)
  if (settled_.defined()) {
    const Tensor ended = done_.view({-1, 1, 1});
    const bool same = end_scores_.defined() && end_scores_.sizes() == scores_.sizes();
    end_scores_ = same ? at::where(ended, end_scores_, scores_) : scores_.clone();
    end_history_ = same ? at::where(ended.unsqueeze(3), end_history_, history_) : history_.clone();
    settled_ = settled_ | top_score_.select(1, top_score_.size(1) - 1).ge(reachable);
  }
  done_ = done_ | best_score_.select(1, best_score_.size(1) - 1).ge(reachable);
}

Tensor Beams::open() const {
  const Tensor ended = settled_.defined() ? done_ & settled_ : done_;
  return at::nonzero(ended.logical_not()).view({-1});
}

/// -1: none names more.
int Beams::best_state(std::int64_t photo, const Tensor& best_score, int named) const {
  const std::int64_t S = best_score.size(1);
  const auto* scores = best_score.data_ptr<float>() + photo * S;
  int best = named < 0 ? 0 : -1;
  for (int s = 0; s < S; ++s) {
    if (!is_caption(static_cast<double>(scores[s])) || constraints_of(s) <= named) continue;
    if (best < 0 ||
        std::pair(constraints_of(s), scores[s]) > std::pair(constraints_of(best), scores[best]))
      best = s;
  }
  return best;
}

std::vector<FinishedCaption> Beams::alternatives_of(std::int64_t photo,
                                                    const std::vector<std::int64_t>& best) const {
  std::vector<FinishedCaption> all;
  const std::int64_t P = top_score_.size(1);
  const Tensor score = top_score_[photo].cpu(), log = top_log_[photo].cpu(),
               length = top_length_[photo].cpu(), tokens = top_tokens_[photo].cpu();
  for (std::int64_t k = 0; k < P; ++k) {
    FinishedCaption one;
    one.score = static_cast<double>(score.data_ptr<float>()[k]);
    if (!is_caption(one.score)) break;
    one.log_prob = static_cast<double>(log.data_ptr<float>()[k]);
    const auto* from = tokens.data_ptr<std::int64_t>() + k * tokens.size(1);
    one.tokens.assign(from, from + length.data_ptr<std::int64_t>()[k]);
    if (one.tokens != best && static_cast<std::int64_t>(all.size()) < P - 1)
      all.push_back(std::move(one));
  }
  return all;
}

void Beams::write(const std::vector<int>& named, std::vector<Hypothesis>& all) const {
  const Tensor words = best_tokens_.cpu(), lengths = best_length_.cpu(), logs = best_log_.cpu(),
               where = photo_.cpu(), least = best_worst_.cpu(),
               history = (end_history_.defined() ? end_history_ : history_).cpu(),
               best_score = best_score_.cpu(),
               open = (end_scores_.defined() ? end_scores_ : scores_).contiguous().cpu(),
               rows = rows_.defined() ? best_rows_.cpu() : Tensor();
  std::vector<Tensor> attention;
  for (const Tensor& weights : attention_) attention.push_back(weights.cpu());
  const Tensor concepts = a.concepts.defined() ? a.concepts.to(torch::kFloat32).cpu() : Tensor(),
               novelty = a.novelty.defined() ? a.novelty.cpu() : Tensor();
  for (std::int64_t i = 0; i < words.size(0); ++i) {
    const auto place = static_cast<std::size_t>(where.data_ptr<std::int64_t>()[i]);
    const int state = best_state(i, best_score, named.at(place));
    if (state < 0) continue;
    const std::int64_t at = i * words.size(1) + state;
    const auto* from = words.data_ptr<std::int64_t>() + at * words.size(2);
    Hypothesis& one = all[place];
    one.tokens.assign(from, from + lengths.data_ptr<std::int64_t>()[at]);
    one.log_prob = static_cast<double>(logs.data_ptr<float>()[at]);
    one.word_log_prob_min = static_cast<double>(least.data_ptr<float>()[at]);
    one.beam_agreement =
        agreement(one.tokens, history[i][state], open.data_ptr<float>() + at * open.size(2));
    if (concepts.defined()) {
      const auto* probability = concepts.data_ptr<float>() + i * concepts.size(1);
      one.concepts.assign(probability, probability + concepts.size(1));
    }
    if (settled_.defined()) one.alternatives = alternatives_of(i, one.tokens);
    if (rows.defined())
      one.attention = attention_maps(attention, rows.data_ptr<std::int64_t>() + at * rows.size(2),
                                     one.tokens.size());
    if (novelty.defined()) one.novelty = static_cast<double>(novelty.data_ptr<float>()[i]);
  }
}

}  // namespace photoscribe
