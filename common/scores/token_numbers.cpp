#include "common/scores/token_numbers.h"

namespace photoscribe {

void TokenNumbers::append(std::string_view caption, TokenIds& ids) {
  if (tokenizer_ == Tokenizer::ptb) {
    ids_ = &ids;
    scan_ptb(caption, scratch_, *this);
    return;
  }
  for (const std::string& token : tokens_of(tokenizer_, caption))
    ids.push_back(words_.id_of(token));
}

void TokenNumbers::word(std::string_view word) {
  const TokenId at = spelt_.id_of(word);
  if (at + 1 == begins_.size()) {  // a new one
    Tokens tokens;
    ptb_word_tokens(word, tokens);
    for (const std::string& token : tokens)
      if (!is_ptb_punctuation(token)) split_.push_back(words_.id_of(token));
    begins_.push_back(static_cast<std::uint32_t>(split_.size()));
  }
  ids_->insert(ids_->end(), split_.begin() + begins_[at], split_.begin() + begins_[at + 1]);
}

void TokenNumbers::mark(std::string_view token) {
  if (!is_ptb_punctuation(token)) ids_->push_back(words_.id_of(token));
}

}  // namespace photoscribe
