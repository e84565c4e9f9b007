// words: where words begin and end in a text, as SQLite's tokenizer unicode61 sees it.
#pragma once

#include <string_view>

#include "common/text/utf8.h"

namespace photoscribe {

/// A letter, a number, a private character, or a mark on one of these.
[[nodiscard]] bool is_of_word(const Character& one) noexcept;
/// The same without marks: what a word cannot be without.
[[nodiscard]] bool makes_word(const Character& one) noexcept;

/// Calls `take` with each word, from the first.
template <class Fn>
void for_each_word(std::string_view text, Fn&& take) {
  std::size_t begin = 0, at = 0;
  bool is_word = false;
  const auto end_word = [&] {
    if (is_word) take(text.substr(begin, at - begin));
    is_word = false;
  };
  for_each_character(text, [&](const Character& one) {
    if (!is_of_word(one)) {
      end_word();
    } else if (is_word || makes_word(one)) {
      if (!is_word) begin = at;
      is_word = true;
    }
    at += one.bytes.size();
  });
  end_word();
}

}  // namespace photoscribe
