#include "common/scores/bleu.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

namespace photoscribe {
namespace {

using Counts = std::unordered_map<std::string, std::int64_t>;

/// The n-grams of `tokens` with their counts; tokens are joined by a byte that no tokeniser leaves
/// inside one.
Counts ngrams(const Tokens& tokens, std::size_t n) {
  Counts counts;
  for (std::size_t begin = 0; begin + n <= tokens.size(); ++begin) {
    std::string key;
    for (std::size_t i = begin; i < begin + n; ++i) (key += tokens[i]) += '\x1f';
    ++counts[std::move(key)];
  }
  return counts;
}

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) noexcept {
  for (std::size_t n = 0; n < 4; ++n) {
    matched[n] += other.matched[n];
    total[n] += other.total[n];
  }
  candidate_tokens += other.candidate_tokens;
  reference_tokens += other.reference_tokens;
  return *this;
}

BleuCounts count_bleu(const Tokens& candidate, std::span<const Tokens> references) {
  assert(!references.empty());
  BleuCounts counts;
  counts.candidate_tokens = std::ssize(candidate);
  const auto closer = [&](const Tokens& a, const Tokens& b) {
    const auto distance = [&](const Tokens& t) {
      return std::abs(std::ssize(t) - counts.candidate_tokens);
    };
    return std::pair(distance(a), a.size()) < std::pair(distance(b), b.size());
  };
  counts.reference_tokens =
      std::ssize(*std::min_element(references.begin(), references.end(), closer));

  for (std::size_t n = 1; n <= 4; ++n) {
    counts.total[n - 1] =
        std::max<std::int64_t>(0, counts.candidate_tokens - static_cast<std::int64_t>(n) + 1);
    const Counts own = ngrams(candidate, n);
    if (own.empty()) continue;
    Counts most;
    for (const Tokens& reference : references) {
      for (const auto& [gram, count] : ngrams(reference, n)) {
        std::int64_t& best = most[gram];
        best = std::max(best, count);
      }
    }
    for (const auto& [gram, count] : own) {
      if (const auto found = most.find(gram); found != most.end()) {
        counts.matched[n - 1] += std::min(count, found->second);
      }
    }
  }
  return counts;
}

std::array<double, 4> bleu(const BleuCounts& counts) noexcept {
  constexpr double kTiny = 1e-15, kSmall = 1e-9;
  std::array<double, 4> scores{};
  double product = 1;
  for (std::size_t n = 0; n < 4; ++n) {
    product *= (static_cast<double>(counts.matched[n]) + kTiny) /
               (static_cast<double>(counts.total[n]) + kSmall);
    scores[n] = std::pow(product, 1.0 / static_cast<double>(n + 1));
  }
  const double ratio = (static_cast<double>(counts.candidate_tokens) + kTiny) /
                       (static_cast<double>(counts.reference_tokens) + kSmall);
  if (ratio < 1) {
    for (double& score : scores) score *= std::exp(1 - 1 / ratio);
  }
  return scores;
}

}  // namespace photoscribe
