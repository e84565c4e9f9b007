#include "common/scores/ngrams.h"

#include <algorithm>

namespace photoscribe {
namespace {

NgramKey prefix(const NgramKey& key, std::size_t n) {
  constexpr std::uint64_t kFirst = ~std::uint64_t{0} << 32;
  switch (n) {
    case 1:
      return {key.high & kFirst, 0};
    case 2:
      return {key.high, 0};
    case 3:
      return {key.high, key.low & kFirst};
    default:
      return key;
  }
}

std::size_t tokens_of(const NgramKey& key) {
  if (key.low == 0) return (key.high & 0xffff'ffff) == 0 ? 1 : 2;
  return (key.low & 0xffff'ffff) == 0 ? 3 : 4;
}

}  // namespace

void SortedNgrams::assign(TokenSpan tokens) {
  suffixes_.clear();
  add_suffixes(tokens);
  count_runs();
}

void SortedNgrams::assign_all(std::span<const TokenSpan> captions) {
  suffixes_.clear();
  for (const TokenSpan tokens : captions) add_suffixes(tokens);
  count_runs();
}

void SortedNgrams::add_suffixes(TokenSpan tokens) {
  const auto field = [&](std::size_t at) {
    return at < tokens.size() ? std::uint64_t{tokens[at]} + 1 : 0;
  };
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    suffixes_.push_back({(field(at) << 32) | field(at + 1), (field(at + 2) << 32) | field(at + 3)});
  }
}

void SortedNgrams::count_runs() {
  std::sort(suffixes_.begin(), suffixes_.end());
  for (std::vector<Run>& runs : runs_) runs.clear();
  for (const NgramKey& suffix : suffixes_) {
    const std::size_t longest = tokens_of(suffix);
    for (std::size_t n = 1; n <= longest; ++n) {
      const NgramKey key = prefix(suffix, n);
      std::vector<Run>& runs = runs_[n - 1];
      if (!runs.empty() && runs.back().key == key) {
        ++runs.back().count;
      } else {
        runs.push_back({key, 1});
      }
    }
  }
}

}  // namespace photoscribe
