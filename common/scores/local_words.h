// local_words: tokens as numbers of a small table of their own, and what these are in a shared one.
//
// So that many threads may number words at once, and the shared table still numbers them in the
// order in which captions come to it.
#pragma once

#include "common/scores/ngrams.h"
#include "common/scores/token_table.h"

namespace photoscribe {

struct LocalWords {
  TokenTable table;
  TokenIds shared;  // by number in `table`, as far as known

  /// The number that `words` has for local number `id`. For one `words` only.
  [[nodiscard]] TokenId in(TokenTable& words, TokenId id) {
    constexpr TokenId kUnknown = UINT32_MAX;
    if (shared.size() < table.size()) shared.resize(table.size(), kUnknown);
    if (shared[id] == kUnknown) shared[id] = words.id_of(table.word(id));
    return shared[id];
  }
};

/// The tokens of one caption.
struct LocalTokens {
  TokenSpan ids;
  LocalWords* words = nullptr;
};

}  // namespace photoscribe
