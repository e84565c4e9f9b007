// ptb_scan: the Penn Treebank's rules of tokenize.h, word for word. Private to common/scores.
//
// A word of the text may become several tokens; the same word always becomes the same ones, so
// whoever numbers tokens need split each word but once (token_numbers.h).
#pragma once

#include <string>
#include <string_view>

#include "common/scores/bleu.h"

namespace photoscribe {

class PtbSink {
 public:
  /// Lower case; its tokens are ptb_word_tokens().
  virtual void word(std::string_view word) = 0;
  /// A token by itself: punctuation.
  virtual void mark(std::string_view token) = 0;

 protected:
  ~PtbSink() = default;
};

/// Tells `sink` what `caption` consists of, from left to right. `scratch` is overwritten: keep one.
void scan_ptb(std::string_view caption, std::string& scratch, PtbSink& sink);

/// Appends the tokens of one word: "dog's" is two.
void ptb_word_tokens(std::string_view word, Tokens& out);

/// One of coco-caption's 17 that are no tokens to it.
[[nodiscard]] bool is_ptb_punctuation(std::string_view token) noexcept;

}  // namespace photoscribe
