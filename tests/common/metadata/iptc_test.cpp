// Captions merged into Photoshop's resources.
#include "common/metadata/iptc.h"

#include <gmock/gmock.h>

namespace photoscribe::metadata {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

MergedIptc with_caption(const std::string& resources, const std::string& caption,
                        const MergeRules& rules = {}) {
  auto merged = merge_iptc(resources, caption, rules);
  EXPECT_TRUE(merged) << merged.error().message;
  return merged.value_or(MergedIptc{});
}

/// Two resources of others around IPTC with a keyword.
std::string with_keyword(const std::string& keyword, const std::string& caption = "") {
  std::string iptc = "\x1c\x02\x19\0"s + static_cast<char>(keyword.size()) + keyword;
  if (!caption.empty()) iptc += "\x1c\x02\x78\0"s + static_cast<char>(caption.size()) + caption;
  std::string out = "8BIM\x04\x25\0\0\0\0\0\x03xyz\0"s;
  out += "8BIM\x04\x04\0\0\0\0\0"s + static_cast<char>(iptc.size()) + iptc;
  if (iptc.size() % 2 != 0) out += '\0';
  return out + "8BIM\x03\xed\x04name\0\0\0\0\x02pq"s;
}

TEST(Iptc, NewOneReadsBackAndIsOurs) {
  const MergedIptc merged = with_caption("", "ein Hund läuft");
  EXPECT_TRUE(merged.changed);
  EXPECT_EQ(read_iptc(merged.resources).caption, "ein Hund läuft");
  EXPECT_TRUE(read_iptc(merged.resources).ours);
  EXPECT_THAT(merged.resources, HasSubstr("\x1c\x01\x5a\0\x03\x1b%G"s));
  EXPECT_FALSE(with_caption(merged.resources, "ein Hund läuft").changed);
  EXPECT_EQ(read_iptc(with_caption(merged.resources, "a cat").resources).caption, "a cat");
}

TEST(Iptc, OtherFieldsAndResourcesStay) {
  const MergedIptc merged = with_caption(with_keyword("boat"), "a dog");
  EXPECT_THAT(merged.resources, HasSubstr("\x1c\x02\x19\0\x04"s + "boat"));
  EXPECT_THAT(merged.resources, HasSubstr("8BIM\x04\x25\0\0\0\0\0\x03xyz\0"s));
  EXPECT_THAT(merged.resources, HasSubstr("8BIM\x03\xed\x04name\0\0\0\0\x02pq"s));
}

TEST(Iptc, PeoplesCaptionStaysUnlessOverwritten) {
  const std::string theirs = with_keyword("boat", "Rex");
  EXPECT_EQ(with_caption(theirs, "a dog").caption, Fate::kept);
  EXPECT_EQ(with_caption(theirs, "a dog").resources, theirs);
  const MergedIptc over = with_caption(theirs, "a dog", {true, false, false, false});
  EXPECT_EQ(read_iptc(over.resources).caption, "a dog");
}

TEST(Iptc, FieldsInAnotherEncodingAreNotCalledUtf8) {
  const std::string latin1 = with_keyword("caf\xe9");
  EXPECT_FALSE(merge_iptc(latin1, "ein Hund läuft", {}));
  const MergedIptc ascii = with_caption(latin1, "a dog");
  EXPECT_THAT(ascii.resources, testing::Not(HasSubstr("\x1b%G")));
  EXPECT_EQ(read_iptc(ascii.resources).caption, "a dog");
}

TEST(Iptc, ALongCaptionIsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 2200) text += "ä";
  const std::string caption = read_iptc(with_caption("", text + "x").resources).caption;
  EXPECT_EQ(caption.size(), 2000U);
  EXPECT_FALSE(with_caption(with_caption("", text).resources, text).changed);
}

TEST(Iptc, DamageIsRefused) {
  const std::string good = with_keyword("boat");
  for (std::size_t size = 1; size < good.size(); ++size) {
    (void)merge_iptc(good.substr(0, size), "a dog", {});  // refused or not, within its bytes
  }
  EXPECT_FALSE(merge_iptc("8BIMxxxxxxxxxxxxxxxxxx", "a dog", {}));
}

}  // namespace
}  // namespace photoscribe::metadata
