#include "common/scores/bleu.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "common/scores/token_masks.h"

namespace photoscribe {
namespace {

/// Matches of a candidate of at most 64 tokens: bit i of a word stands for the n-gram that begins
/// at its token i.
class BitMatcher {
 public:
  bool assign(TokenSpan candidate) {
    if (!masks_.assign(candidate)) return false;
    std::array<std::uint64_t, kNgramOrders> seen{};
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      first_[n] = repeated_[n] = found_[n] = 0;
      counts_[n].fill(0);
    }
    for (std::size_t at = 0; at < candidate.size(); ++at) {
      const std::uint64_t bit = std::uint64_t{1} << at;
      std::uint64_t same = masks_.of(candidate[at]);
      for (std::size_t n = 0; n < kNgramOrders && at + n < candidate.size(); ++n) {
        if (n > 0) same &= masks_.of(candidate[at + n]) >> n;
        if ((seen[n] & bit) == 0) first_[n] |= bit;
        if ((same & (same - 1)) != 0) repeated_[n] |= bit;
        counts_[n][at] = static_cast<std::uint8_t>(std::popcount(same));
        seen[n] |= same;
      }
    }
    for (std::size_t n = 0; n < kNgramOrders; ++n) most_[n].fill(0);
    return true;
  }

  void add_reference(TokenSpan reference) {
    std::array<std::array<std::uint8_t, TokenMasks::kTokensMax>, kNgramOrders> here;
    std::array<std::uint64_t, kNgramOrders> touched{};
    // Masks of the token and of the three behind it.
    std::array<std::uint64_t, kNgramOrders> ahead{};
    for (std::size_t n = 0; n < kNgramOrders && n < reference.size(); ++n)
      ahead[n] = masks_.of(reference[n]);
    for (std::size_t at = 0; at < reference.size(); ++at) {
      std::uint64_t match = ahead[0];
      for (std::size_t n = 0; match != 0;) {
        found_[n] |= match;
        for (std::uint64_t rest = match & repeated_[n] & first_[n]; rest != 0; rest &= rest - 1) {
          const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
          if ((touched[n] & (rest & -rest)) == 0) here[n][bit] = 0;
          touched[n] |= rest & -rest;
          if (here[n][bit] < UINT8_MAX) ++here[n][bit];
        }
        if (++n == kNgramOrders) break;
        match &= ahead[n] >> n;
      }
      for (std::size_t n = 0; n + 1 < kNgramOrders; ++n) ahead[n] = ahead[n + 1];
      const std::size_t next = at + kNgramOrders;
      ahead.back() = next < reference.size() ? masks_.of(reference[next]) : 0;
    }
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      for (std::uint64_t rest = touched[n]; rest != 0; rest &= rest - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
        most_[n][bit] = std::max(most_[n][bit], here[n][bit]);
      }
    }
  }

  void finish(BleuCounts& counts) const {
    for (std::size_t n = 0; n < kNgramOrders; ++n) {
      counts.matched[n] = std::popcount(found_[n] & ~repeated_[n]);
      for (std::uint64_t rest = first_[n] & repeated_[n]; rest != 0; rest &= rest - 1) {
        const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
        counts.matched[n] += std::min(counts_[n][bit], most_[n][bit]);
      }
    }
  }

 private:
  using PerToken = std::array<std::uint8_t, TokenMasks::kTokensMax>;
  TokenMasks masks_;
  std::array<std::uint64_t, kNgramOrders> first_{};     // n-grams that did not stand earlier
  std::array<std::uint64_t, kNgramOrders> repeated_{};  // n-grams that stand more than once
  std::array<std::uint64_t, kNgramOrders> found_{};     // n-grams that some reference has
  std::array<PerToken, kNgramOrders> counts_{};         // in the candidate
  std::array<PerToken, kNgramOrders> most_{};  // in one reference, where repeated and first
};

/// Matches of a candidate of any length, from sorted n-grams.
void match_sorted(TokenSpan candidate, std::span<const TokenSpan> references, BleuCounts& counts) {
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

  thread_local BitMatcher matcher;  // half a kilobyte that need not be made for each caption
  if (matcher.assign(candidate)) {
    for (const TokenSpan reference : references) matcher.add_reference(reference);
    matcher.finish(counts);
  } else {
    match_sorted(candidate, references, counts);
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
