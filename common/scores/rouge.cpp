#include "common/scores/rouge.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "common/scores/token_masks.h"

namespace photoscribe {
namespace {

/// Length of the longest common subsequence, by a table.
std::size_t common_by_table(TokenSpan a, TokenSpan b) {
  thread_local std::vector<std::uint32_t> row;
  row.assign(b.size() + 1, 0);
  for (const TokenId token : a) {
    std::uint32_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::uint32_t above = row[j + 1];
      row[j + 1] = token == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

/// The same, a row of the table as the bits of one word. Hyyro, "Bit-parallel LCS-length
/// computation revisited", AWOCA 2004: a bit that is cleared is a step of the row.
std::size_t common_by_bits(const TokenMasks& masks, std::size_t tokens, TokenSpan other) {
  std::uint64_t row = ~std::uint64_t{0};
  for (const TokenId token : other) {
    const std::uint64_t match = row & masks.of(token);
    row = (row + match) | (row - match);
  }
  const std::uint64_t inside =
      tokens == TokenMasks::kTokensMax ? ~std::uint64_t{0} : (std::uint64_t{1} << tokens) - 1;
  return static_cast<std::size_t>(std::popcount(~row & inside));
}

}  // namespace

double rouge_l(TokenSpan hypothesis, std::span<const TokenSpan> references) {
  assert(!references.empty());
  constexpr double kBetaSquared = 1.2 * 1.2;
  const auto length = [](TokenSpan tokens) {
    return static_cast<double>(std::max<std::size_t>(tokens.size(), 1));
  };
  TokenMasks masks;
  const bool fits = masks.assign(hypothesis);
  double precision = 0, recall = 0;
  for (const TokenSpan reference : references) {
    const std::size_t length_of_common =
        hypothesis.empty() && reference.empty() ? 1  // they share their one empty token
        : fits ? common_by_bits(masks, hypothesis.size(), reference)
               : common_by_table(hypothesis, reference);
    const auto common = static_cast<double>(length_of_common);
    precision = std::max(precision, common / length(hypothesis));
    recall = std::max(recall, common / length(reference));
  }
  if (precision == 0 || recall == 0) return 0;
  return (1 + kBetaSquared) * precision * recall / (recall + kBetaSquared * precision);
}

}  // namespace photoscribe
