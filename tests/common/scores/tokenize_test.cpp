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

TEST(SplitTokens, SplitAtUnicodeWhiteSpaceAlone) {
  EXPECT_THAT(split_tokens(" A dog,\truns\u00a0fast\u3000now \n"),
              ::testing::ElementsAre("A", "dog,", "runs", "fast", "now"));
  EXPECT_THAT(split_tokens(""), ::testing::IsEmpty());
}

TEST(MtevalTokens, FollowTheRulesOf13a) {
  const struct {
    const char *text, *tokens;
  } cases[] = {
      {"He said, \"It's 5,000.50 - really?!\" (yes)",
       "He said , \" It's 5,000.50 - really ? ! \" ( yes )"},
      {"from 2000-2001, a well-known man.", "from 2000 - 2001 , a well-known man ."},
      {"a.b 3.14 v2.0", "a . b 3.14 v2.0"},
      {"wait...", "wait . . ."},
      {"&quot;hi&quot; &amp; &lt;b&gt;", "\" hi \" & < b >"},
      {"a cost of $5.", "a cost of $ 5 ."},
      {"caf\u00e9, na\u00efve", "caf\u00e9 , na\u00efve"},
      {"x<skipped>y", "xy"},
      {"", ""},
  };
  for (const auto& one : cases)
    EXPECT_EQ(joined(mteval_13a_tokens(one.text)), one.tokens) << one.text;
}

TEST(Tokenizers, HaveNames) {
  for (const std::string_view name : {"ptb", "none", "13a"})
    EXPECT_EQ(name_of(tokenizer_named(name).value()), name);
  EXPECT_FALSE(tokenizer_named("moses"));
  EXPECT_EQ(joined(tokens_of(Tokenizer::ptb, "A dog.")), "a dog");
  EXPECT_EQ(joined(tokens_of(Tokenizer::none, "A dog.")), "A dog.");
  EXPECT_EQ(joined(tokens_of(Tokenizer::mteval_13a, "A dog.")), "A dog .");
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
