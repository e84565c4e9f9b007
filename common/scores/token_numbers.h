// token_numbers: captions as the numbers of their tokens, without making the tokens.
//
// The same numbers in the same order as tokens_of() and TokenTable::id_of() give. Words repeat, so
// each different one is split and looked up by its own rules once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/scores/ngrams.h"
#include "common/scores/ptb_scan.h"
#include "common/scores/token_table.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

class TokenNumbers final : private PtbSink {
 public:
  /// `words` outlives this.
  TokenNumbers(Tokenizer tokenizer, TokenTable& words) : words_(words), tokenizer_(tokenizer) {}

  /// Appends the numbers of the caption's tokens.
  void append(std::string_view caption, TokenIds& ids);

 private:
  void word(std::string_view word) override;
  void mark(std::string_view token) override;

  TokenTable& words_;
  const Tokenizer tokenizer_;
  TokenTable spelt_;                      // words as the captions have them
  std::vector<std::uint32_t> begins_{0};  // of word i of spelt_ in split_; one more at the end
  TokenIds split_;                        // what each of them becomes
  std::string scratch_;
  TokenIds* ids_ = nullptr;  // during append()
};

}  // namespace photoscribe
