#include "common/scores/rouge.h"

#include <algorithm>
#include <cassert>

namespace photoscribe {
namespace {

/// Length of the longest common subsequence; two empty captions share their one empty token.
std::size_t common_length(TokenSpan a, TokenSpan b) {
  if (a.empty() && b.empty()) return 1;
  thread_local std::vector<std::uint32_t> row;  // millions of captions: no allocation for each
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

}  // namespace

double rouge_l(TokenSpan hypothesis, std::span<const TokenSpan> references) {
  assert(!references.empty());
  constexpr double kBetaSquared = 1.2 * 1.2;
  const auto length = [](TokenSpan tokens) {
    return static_cast<double>(std::max<std::size_t>(tokens.size(), 1));
  };
  double precision = 0, recall = 0;
  for (const TokenSpan reference : references) {
    const auto common = static_cast<double>(common_length(hypothesis, reference));
    precision = std::max(precision, common / length(hypothesis));
    recall = std::max(recall, common / length(reference));
  }
  if (precision == 0 || recall == 0) return 0;
  return (1 + kBetaSquared) * precision * recall / (recall + kBetaSquared * precision);
}

}  // namespace photoscribe
