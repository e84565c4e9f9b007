// ngrams: captions as numbers, and their n-grams of order 1 to 4, sorted and counted.
//
// The common ground of BLEU and CIDEr-D. A token is a number that the caller gave it (a model's
// vocabulary, or token_table.h); an n-gram is up to four of them in one comparable 16-byte key, so
// nothing is hashed to less than itself and no two n-grams are ever confused.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace photoscribe {

using TokenId = std::uint32_t;  // below 2^32 - 1
using TokenIds = std::vector<TokenId>;
using TokenSpan = std::span<const TokenId>;

inline constexpr std::size_t kNgramOrders = 4;

/// One to four tokens, first token in the highest bits, each plus one; absent ones are zero. Sorts
/// as the tokens do, prefixes first.
struct NgramKey {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const NgramKey&) const = default;
};

/// The distinct n-grams of one caption. Keep one and assign() to it again: its memory stays.
class SortedNgrams {
 public:
  struct Run {
    NgramKey key;
    std::uint32_t count = 0;  // how often the caption holds it
  };

  void assign(TokenSpan tokens);
  /// Those of several captions together.
  void assign_all(std::span<const TokenSpan> captions);

  /// The distinct n-grams of `n` tokens (1..4), ascending.
  [[nodiscard]] std::span<const Run> of_order(std::size_t n) const { return runs_[n - 1]; }

 private:
  void add_suffixes(TokenSpan tokens);
  void count_runs();

  std::vector<NgramKey> suffixes_;  // at each token: it and the three behind it
  std::array<std::vector<Run>, kNgramOrders> runs_;
};

}  // namespace photoscribe
