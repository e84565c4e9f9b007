#include "common/scores/tokenize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace photoscribe {
namespace {

std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : " ") + token;
  return text;
}

TEST(PtbTokens, FollowTheTreebankWhereCaptionsMeetIt) {
  const struct {
    const char *caption, *tokens;
  } cases[] = {
      {"A man can't find the dog's ball .", "a man ca n't find the dog 's ball"},
      {"Two players' shirts", "two players shirts"},
      {"They're here, we've won; she'll sing!", "they 're here we 've won she 'll sing"},
      {"The children cannot swim", "the children can not swim"},
      {"a tri-colored dog in a t-shirt", "a tri-colored dog in a t-shirt"},
      {"a dog - a big one -- runs", "a dog a big one runs"},
      {"a \"stop\" sign", "a stop sign"},
      {"a \u201cstop\u201d sign isn\u2019t", "a stop sign is n't"},
      {"number 22 (in red)", "number 22 -lrb- in red -rrb-"},
      {"a crowd of 1,000 people at 10:30.", "a crowd of 1,000 people at 10:30"},
      {"a 3.5 km run ...", "a 3.5 km run"},
      {"at 5 p.m. Mr. Smith", "at 5 p.m. mr. smith"},
      {"in the U.S.", "in the u.s."},
      {"a black/white cat", "a black\\/white cat"},
      {"five o'clock", "five o'clock"},
      {"it 's a dog", "it 's a dog"},
      {"A girl's 90's coat from the '90s", "a girl 's 90 's coat from the '90s"},
      {"a # 7 & a 50% sign for $5", "a # 7 & a 50 % sign for $ 5"},
      {"  ", ""},
      {"", ""},
      {"dog.", "dog"},
      {"dog.cat", "dog cat"},
      {"what?!", "what"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(joined(ptb_tokens(one.caption)), one.tokens) << one.caption;
}

TEST(PtbTokens, KeepPunctuationWhenAsked) {
  EXPECT_EQ(joined(ptb_tokens_with_punctuation("\"Stop!\", he said -- twice...")),
            "`` stop ! '' , he said -- twice ...");
}

TEST(PtbTokens, TakeAnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), '\'', 's', '.'};
      for (const std::string& token : ptb_tokens_with_punctuation(text))
        EXPECT_FALSE(token.empty());
    }
  }
}

}  // namespace
}  // namespace photoscribe
