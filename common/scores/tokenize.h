// tokenize: captions into the tokens that coco-caption scores.
//
// The Penn Treebank rules that captions meet, as Stanford's PTBTokenizer 3.4.1 applies them with
// -lowerCase, less coco-caption's 17 punctuation tokens. Works on bytes; anything beyond ASCII
// stays part of its word. Two other ways are here for scores that are to be compared with other
// tools': split at white space alone, and sacreBLEU's 13a.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/scores/bleu.h"

namespace photoscribe {

/// Tokens of `caption`: lower case, contractions split ("can't" -> "ca" "n't", "dog's" -> "dog"
/// "'s"), hyphenated words whole, punctuation dropped. Brackets stay, as -lrb- and -rrb-:
/// coco-caption drops only their upper-case spelling.
[[nodiscard]] Tokens ptb_tokens(std::string_view caption);

/// Splits at Unicode white space, as Python's str.split does; nothing else is changed.
[[nodiscard]] Tokens split_tokens(std::string_view caption);

/// sacreBLEU's default, the tokeniser of mteval-v13a.pl: punctuation is split off, letter case and
/// everything else stays.
[[nodiscard]] Tokens mteval_13a_tokens(std::string_view caption);

enum class Tokenizer : std::uint8_t { ptb, none, mteval_13a };
/// "ptb", "none" or "13a", as signatures and command lines have it.
[[nodiscard]] std::string_view name_of(Tokenizer tokenizer) noexcept;
[[nodiscard]] std::optional<Tokenizer> tokenizer_named(std::string_view name) noexcept;
[[nodiscard]] Tokens tokens_of(Tokenizer tokenizer, std::string_view caption);

/// All tokens of `caption`, punctuation included, in lower case.
[[nodiscard]] Tokens ptb_tokens_with_punctuation(std::string_view caption);

}  // namespace photoscribe
