#include "common/scores/bleu_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace photoscribe {
namespace {

using Orders = std::array<double, 4>;

constexpr std::array<std::string_view, 7> kNames{"coco",  "nltk0", "nltk1",    "nltk2",
                                                 "nltk3", "nltk4", "sacrebleu"};

double brevity_penalty(const BleuCounts& sum) {
  if (sum.candidate_tokens == 0) return 0;
  const auto candidate = static_cast<double>(sum.candidate_tokens);
  const auto reference = static_cast<double>(sum.reference_tokens);
  return candidate < reference ? std::exp(1 - reference / candidate) : 1;
}

/// NLTK's smoothed precisions; `halvings` counts the orders without a match so far.
double nltk_precision(BleuRule rule, const BleuCounts& sum, std::size_t n, int& halvings) {
  const auto matched = static_cast<double>(sum.matched[n]);
  const auto total = static_cast<double>(sum.total[n]);
  if (rule == BleuRule::nltk_method2 && n > 0) return (matched + 1) / (total + 1);
  if (sum.matched[n] > 0) return matched / total;
  switch (rule) {
    case BleuRule::nltk_method0:
      return std::numeric_limits<double>::min();
    case BleuRule::nltk_method1:
      return 0.1 / total;
    case BleuRule::nltk_method3:
      return 1 / (std::exp2(++halvings) * total);
    case BleuRule::nltk_method4: {
      if (sum.candidate_tokens <= 1) return 0;
      constexpr double kScale = 5;
      const double length = std::log(static_cast<double>(sum.candidate_tokens));
      return 1 / (std::exp2(++halvings) * kScale / length) / total;
    }
    default:
      return 0;
  }
}

Orders nltk(BleuRule rule, const BleuCounts& sum) {
  if (sum.matched[0] == 0) return {};
  Orders precisions{}, scores{};
  int halvings = 0;
  for (std::size_t n = 0; n < 4; ++n) precisions[n] = nltk_precision(rule, sum, n, halvings);
  for (std::size_t n = 0; n < 4; ++n) {
    double logs = 0;
    for (std::size_t i = 0; i <= n; ++i)
      if (precisions[i] > 0) logs += std::log(precisions[i]) / static_cast<double>(n + 1);
    scores[n] = brevity_penalty(sum) * std::exp(logs);
  }
  return scores;
}

Orders sacrebleu(const BleuCounts& sum, bool effective_order) {
  if (sum.matched[0] == 0) return {};
  Orders scores{};
  double logs = 0, halving = 1;
  std::size_t orders = 0;  // that the candidate has
  for (std::size_t n = 0; n < 4 && sum.total[n] > 0; ++n, ++orders) {
    if (sum.matched[n] == 0) halving *= 2;
    const double matched = sum.matched[n] == 0 ? 1 / halving : static_cast<double>(sum.matched[n]);
    logs += std::log(matched / static_cast<double>(sum.total[n]));
    scores[n] = brevity_penalty(sum) * std::exp(logs / static_cast<double>(n + 1));
  }
  // An order that the candidate does not have makes the score 0, or does not count.
  for (std::size_t n = orders; n < 4 && effective_order; ++n) scores[n] = scores[orders - 1];
  return scores;
}

}  // namespace

std::string_view name_of(BleuRule rule) noexcept { return kNames[static_cast<std::size_t>(rule)]; }

std::optional<BleuRule> bleu_rule_named(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<BleuRule>(found - kNames.begin());
}

BleuCounts counts_for(BleuRule rule, BleuCounts photo) noexcept {
  if (rule != BleuRule::coco && rule != BleuRule::sacrebleu) {
    for (std::int64_t& total : photo.total) total = std::max<std::int64_t>(total, 1);
  }
  return photo;
}

std::array<double, 4> bleu_by(BleuRule rule, const BleuCounts& sum) noexcept {
  switch (rule) {
    case BleuRule::coco:
      return bleu(sum);
    case BleuRule::sacrebleu:
      return sacrebleu(sum, false);
    default:
      return nltk(rule, sum);
  }
}

std::array<double, 4> sentence_bleu_by(BleuRule rule, const BleuCounts& photo) noexcept {
  if (rule == BleuRule::sacrebleu) return sacrebleu(photo, true);
  return bleu_by(rule, counts_for(rule, photo));
}

}  // namespace photoscribe
