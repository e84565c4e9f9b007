#include "models/format/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

TEST(Vocabulary, ReadsBackWhatItWrote) {
  const auto made = Vocabulary::make({"dog", "café", "a"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 7);
  const test::TempDir folder;
  ASSERT_TRUE(made->write(folder.file("vocab.txt")));
  const auto read = Vocabulary::read(folder.file("vocab.txt"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->size(), 7);
  EXPECT_EQ(read->word(5), "café");
  EXPECT_EQ(read->number("café"), 5);
  EXPECT_EQ(read->number("cat"), kUnknownToken);
}

TEST(Vocabulary, TextEndsAtTheEndTokenAndLeavesSpecialsOut) {
  const auto made = Vocabulary::make({"a", "dog", "runs"});
  ASSERT_TRUE(made);
  const std::vector<std::int64_t> tokens{kStartToken, 4, kUnknownToken, 5, kEndToken, 6};
  EXPECT_EQ(made->text(tokens), "a dog");
  EXPECT_EQ(made->text({}), "");
}

TEST(Vocabulary, RefusesWordsTwiceEmptyOrWithSpaces) {
  EXPECT_FALSE(Vocabulary::make({"a", "a"}));
  EXPECT_FALSE(Vocabulary::make({""}));
  EXPECT_FALSE(Vocabulary::make({"two words"}));
  EXPECT_FALSE(Vocabulary::make({"<end>"}));
}

TEST(Vocabulary, NamesTheLineThatIsWrong) {
  const test::TempDir folder;
  const auto specials = Vocabulary::read(folder.write("a", "<pad>\n<end>\n"));
  ASSERT_FALSE(specials);
  EXPECT_THAT(specials.error().message, HasSubstr("line 2"));
  const auto twice =
      Vocabulary::read(folder.write("b", "<pad>\n<start>\n<end>\n<unk>\ndog\ndog\n"));
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("line 6"));
}

}  // namespace
}  // namespace photoscribe
