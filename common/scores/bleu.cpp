#include "common/scores/bleu.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

namespace photoscribe {
BleuCounts& BleuCounts::operator+=(const BleuCounts& other) noexcept {
  for (std::size_t n = 0; n < 4; ++n) {
    matched[n] += other.matched[n];
    total[n] += other.total[n];
  }
  candidate_tokens += other.candidate_tokens;
  reference_tokens += other.reference_tokens;
  return *this;
}

BleuCounts count_bleu(TokenSpan candidate, std::span<const TokenSpan> references) {
  assert(!references.empty());
  BleuCounts counts;
  counts.candidate_tokens = std::ssize(candidate);
  const auto distance = [&](TokenSpan tokens) {
    return std::pair(std::abs(std::ssize(tokens) - counts.candidate_tokens), tokens.size());
  };
  const auto closer = [&](TokenSpan a, TokenSpan b) { return distance(a) < distance(b); };
  counts.reference_tokens =
      std::ssize(*std::min_element(references.begin(), references.end(), closer));
  for (std::size_t n = 1; n <= kNgramOrders; ++n) {
    counts.total[n - 1] =
        std::max<std::int64_t>(0, counts.candidate_tokens - static_cast<std::int64_t>(n) + 1);
  }

  // Millions of captions: no allocation for each.
  thread_local SortedNgrams own, other;
  thread_local std::array<std::vector<std::uint32_t>, kNgramOrders> most;
  own.assign(candidate);
  for (std::size_t n = 0; n < kNgramOrders; ++n) most[n].assign(own.of_order(n + 1).size(), 0);
  for (const TokenSpan reference : references) {
    other.assign(reference);
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      const auto mine = own.of_order(n + 1);
      const auto theirs = other.of_order(n + 1);
      std::size_t at = 0;
      for (std::size_t i = 0; i < mine.size(); ++i) {
        while (at < theirs.size() && theirs[at].key < mine[i].key) ++at;
        if (at == theirs.size()) break;
        if (theirs[at].key == mine[i].key) most[n][i] = std::max(most[n][i], theirs[at].count);
      }
    }
  }
  for (std::size_t n = 0; n < kNgramOrders; ++n) {
    const auto mine = own.of_order(n + 1);
    for (std::size_t i = 0; i < mine.size(); ++i)
      counts.matched[n] += std::min(mine[i].count, most[n][i]);
  }
  return counts;
}

BleuCounts count_bleu(const Tokens& candidate, std::span<const Tokens> references) {
  std::unordered_map<std::string_view, TokenId> numbers;
  const auto numbered = [&](const Tokens& tokens) {
    TokenIds ids;
    for (const std::string& token : tokens) {
      ids.push_back(numbers.try_emplace(token, static_cast<TokenId>(numbers.size())).first->second);
    }
    return ids;
  };
  const TokenIds own = numbered(candidate);
  std::vector<TokenIds> others;
  for (const Tokens& reference : references) others.push_back(numbered(reference));
  const std::vector<TokenSpan> spans(others.begin(), others.end());
  return count_bleu(TokenSpan(own), std::span<const TokenSpan>(spans));
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
