// token_masks: where in a short caption each of its tokens stands, as bits. Private to
// common/scores.
//
// Comparing captions then takes a few operations on whole words a token: n-gram matches are shifted
// intersections, a longest common subsequence is carried addition. Captions beyond 64 tokens do not
// fit; callers have another way for them.
#pragma once

#include <array>
#include <cstdint>

#include "common/scores/ngrams.h"

namespace photoscribe {

class TokenMasks {
 public:
  static constexpr std::size_t kTokensMax = 64;

  /// False when `tokens` are too many; then nothing else may be asked.
  bool assign(TokenSpan tokens) noexcept {
    if (tokens.size() > kTokensMax) return false;
    slots_.fill(Slot{});
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      Slot& slot = slots_[slot_of(tokens[at])];
      slot.token = tokens[at];
      slot.mask |= std::uint64_t{1} << at;
    }
    return true;
  }

  /// Bit i is set where token i of the caption is `token`.
  [[nodiscard]] std::uint64_t of(TokenId token) const noexcept {
    return slots_[slot_of(token)].mask;
  }

 private:
  struct Slot {
    std::uint64_t mask = 0;  // 0: free
    TokenId token = 0;
  };
  /// The token's slot, or the free one where it would go. At most half of the slots are taken.
  [[nodiscard]] std::size_t slot_of(TokenId token) const noexcept {
    std::size_t at = (token * std::uint32_t{0x9e37'79b9}) >> 25;
    while (slots_[at].mask != 0 && slots_[at].token != token) at = (at + 1) % slots_.size();
    return at;
  }
  std::array<Slot, 2 * kTokensMax> slots_;
};

}  // namespace photoscribe
