// token_table: words as numbers, for scores over millions of captions.
//
// Each different word is kept once, in one block of memory; a number is its place in the order of
// first appearance. Serves for photo names, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/scores/ngrams.h"

namespace photoscribe {

class TokenTable {
 public:
  TokenTable();

  /// The number of `word`, a new one when it was not here before.
  TokenId id_of(std::string_view word);
  [[nodiscard]] std::optional<TokenId> find(std::string_view word) const noexcept;

  /// Valid until the next id_of.
  [[nodiscard]] std::string_view word(TokenId id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size() - 1; }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr TokenId kEmpty = UINT32_MAX;
  struct Slot {
    std::uint32_t hash = 0;  // spares most comparisons
    TokenId id = kEmpty;
  };
  [[nodiscard]] std::size_t slot_of(std::string_view word, std::uint32_t hash) const noexcept;
  void grow();

  std::string text_;               // all words, end to end
  std::vector<std::size_t> ends_;  // of word i: ends_[i + 1]
  std::vector<Slot> slots_;        // open addressing; a power of two
};

}  // namespace photoscribe
