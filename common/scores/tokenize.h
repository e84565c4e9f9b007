// tokenize: captions into the tokens that coco-caption scores.
//
// The Penn Treebank rules that captions meet, as Stanford's PTBTokenizer 3.4.1 applies them with
// -lowerCase, less coco-caption's 17 punctuation tokens. Works on bytes; anything beyond ASCII
// stays part of its word.
#pragma once

#include <string_view>

#include "common/scores/bleu.h"

namespace photoscribe {

/// Tokens of `caption`: lower case, contractions split ("can't" -> "ca" "n't", "dog's" -> "dog"
/// "'s"), hyphenated words whole, punctuation dropped. Brackets stay, as -lrb- and -rrb-:
/// coco-caption drops only their upper-case spelling.
[[nodiscard]] Tokens ptb_tokens(std::string_view caption);

/// All tokens of `caption`, punctuation included, in lower case.
[[nodiscard]] Tokens ptb_tokens_with_punctuation(std::string_view caption);

}  // namespace photoscribe
