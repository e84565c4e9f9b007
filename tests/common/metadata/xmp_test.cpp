// Captions merged into XMP packets as other programs write them.
#include "common/metadata/xmp.h"

#include <gmock/gmock.h>

#include "common/metadata/edit.h"

namespace photoscribe::metadata {
namespace {

using testing::HasSubstr;
using testing::Not;

CaptionFields dog() { return {"a dog & a <ball>", "IMG_1.jpg", "fast aaaa", "0.8342", false}; }

MergedXmp must_merge(std::string_view packet, const CaptionFields& fields,
                     const MergeRules& rules = {}) {
  auto merged = merge_caption(packet, fields, rules);
  EXPECT_TRUE(merged) << merged.error().message;
  return merged.value_or(MergedXmp{});
}

XmpTexts texts_in(std::string_view packet) {
  auto texts = read_xmp(packet);
  EXPECT_TRUE(texts) << texts.error().message;
  return texts.value_or(XmpTexts{});
}

/// As exiv2 and digiKam write it: simple properties as attributes.
constexpr const char* kCompact =
    "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
    "  <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"\n"
    "    xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\" xmp:Rating=\"4\">\n"
    "   <lr:weird><!-- kept --><rdf:Bag><rdf:li>Ana &amp; Ben</rdf:li></rdf:Bag></lr:weird>\n"
    "  </rdf:Description>\n"
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    "<?xpacket end=\"w\"?>";

TEST(Xmp, NewPacketReadsBack) {
  const MergedXmp merged = must_merge("", dog());
  EXPECT_TRUE(merged.changed);
  const XmpTexts texts = texts_in(merged.packet);
  EXPECT_EQ(texts.description, "a dog & a <ball>");
  EXPECT_EQ(texts.alt_text, "a dog & a <ball>");
  EXPECT_EQ(texts.ours.at("Confidence"), "0.8342");
  EXPECT_EQ(texts.ours.at("Model"), "fast aaaa");
  EXPECT_EQ(texts.ours.at("Edited"), "False");
  EXPECT_FALSE(texts.described_by_others());
}

TEST(Xmp, TheSameAgainChangesNothing) {
  const MergedXmp once = must_merge(kCompact, dog());
  const MergedXmp twice = must_merge(once.packet, dog());
  EXPECT_FALSE(twice.changed);
  EXPECT_EQ(twice.packet, once.packet);
}

TEST(Xmp, OtherFieldsStayByteForByte) {
  MergedXmp merged = must_merge(kCompact, dog());
  const std::string begin = "  <rdf:Description rdf:about=\"\"\n    xmlns:dc=";
  const auto from = merged.packet.find(begin);
  ASSERT_NE(from, std::string::npos) << merged.packet;
  const std::string end = "</rdf:Description>\n";
  const auto to = merged.packet.find(end, from) + end.size();
  EXPECT_EQ(merged.packet.erase(from, to - from), kCompact);
}

TEST(Xmp, AnotherCaptionOfOursReplacesTheFirst) {
  CaptionFields cat = dog();
  cat.caption = "a cat";
  const MergedXmp merged = must_merge(must_merge(kCompact, dog()).packet, cat);
  EXPECT_EQ(merged.packet, must_merge(kCompact, cat).packet);
}

TEST(Xmp, PeoplesDescriptionStaysUnlessOverwritten) {
  const std::string theirs = must_merge(kCompact, dog()).packet;
  std::string human = theirs;  // somebody wrote over ours in an editor
  const std::string was = "a dog &amp; a &lt;ball&gt;</rdf:li>";
  human.replace(human.find(was), was.size(), "Rex at Skye</rdf:li>");
  CaptionFields cat = dog();
  cat.caption = "a cat";

  const MergedXmp kept = must_merge(human, cat);
  EXPECT_EQ(kept.description, Fate::kept);
  EXPECT_EQ(texts_in(kept.packet).description, "Rex at Skye");
  EXPECT_EQ(texts_in(kept.packet).alt_text, "a cat");
  EXPECT_TRUE(texts_in(kept.packet).described_by_others());

  const MergedXmp over = must_merge(human, cat, {true, false, false, false});
  EXPECT_EQ(texts_in(over.packet).description, "a cat");
}

TEST(Xmp, OtherLanguagesStay) {
  const std::string german =
      "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><r:Description r:about='u:1'"
      " xmlns:d='http://purl.org/dc/elements/1.1/'><d:description><r:Alt><r:li xml:lang='de-DE'>"
      "ein Hund</r:li></r:Alt></d:description></r:Description></r:RDF>";
  EXPECT_EQ(must_merge(german, dog()).description, Fate::kept);
  const MergedXmp over = must_merge(german, dog(), {true, false, false, false});
  EXPECT_THAT(over.packet, HasSubstr("<rdf:li xml:lang=\"de-DE\">ein Hund</rdf:li>"));
  EXPECT_THAT(over.packet, HasSubstr("rdf:about=\"u:1\""));
  EXPECT_EQ(texts_in(over.packet).description, "a dog & a <ball>");
}

TEST(Xmp, OurFieldsAsAttributesAreFound) {
  const std::string rewritten =
      "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n"
      "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n"
      "<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/'\n"
      "  xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:p='urn:photoscribe:xmp:1.0/'\n"
      "  xmp:Rating='5' p:Caption='a dog' p:Edited=\"False\">\n"
      "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>a dog</rdf:li></rdf:Alt>"
      "</dc:description>\n"
      "</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n";
  const MergedXmp merged = must_merge(rewritten, dog());
  EXPECT_EQ(merged.description, Fate::written);
  EXPECT_THAT(merged.packet, Not(HasSubstr("p:Caption")));
  EXPECT_THAT(merged.packet, HasSubstr("xmp:Rating='5'>"));
  EXPECT_EQ(texts_in(merged.packet).description, "a dog & a <ball>");
  EXPECT_EQ(texts_in(merged.packet).ours.at("Caption"), "a dog & a <ball>");
}

TEST(Xmp, ForeignPacketsOfEveryShape) {
  const std::string rdf = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'";
  const std::string empty = "<rdf:RDF " + rdf + "/>";
  EXPECT_EQ(texts_in(must_merge(empty, dog()).packet).description, dog().caption);
  EXPECT_EQ(texts_in(must_merge("<rdf:RDF " + rdf + "></rdf:RDF>", dog()).packet).description,
            dog().caption);
  EXPECT_EQ(texts_in(must_merge(empty + std::string(3, '\0'), dog()).packet).description,
            dog().caption);
  // Plain text in place of an alternative, and a cleared description (Immich).
  const auto with = [&](const std::string& body) {
    return "<rdf:RDF " + rdf +
           " xmlns:dc='http://purl.org/dc/elements/1.1/'><rdf:Description rdf:about=''>" + body +
           "</rdf:Description></rdf:RDF>";
  };
  EXPECT_EQ(must_merge(with("<dc:description>mine</dc:description>"), dog()).description,
            Fate::kept);
  const MergedXmp cleared = must_merge(
      with("<dc:description><rdf:Alt><rdf:li xml:lang='x-default'/></rdf:Alt></dc:description>"),
      dog());
  EXPECT_EQ(cleared.description, Fate::written);
  EXPECT_EQ(texts_in(cleared.packet).description, dog().caption);
}

TEST(Xmp, WhatCannotBeReadIsRefused) {
  for (const char* bad :
       {"<a>", "no xml", "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "\xff\xfe<\0a"}) {
    EXPECT_FALSE(merge_caption(bad, dog(), {})) << bad;
  }
}

TEST(Xmp, ControlCharactersAndBadBytesMakeNoBadXml) {
  CaptionFields odd = dog();
  odd.caption = "a\x01 b\xff \xEF\xBF\xBE c\"'\r\n";
  const MergedXmp once = must_merge("", odd);
  EXPECT_FALSE(texts_in(once.packet).described_by_others());
}

TEST(Xmp, ALightroomSidecarOfAnotherPhotoIsRefused) {
  const std::string packet = must_merge("", dog()).packet;
  CaptionFields raw = dog();
  raw.photo = "IMG_1.png";
  EXPECT_FALSE(merge_caption(packet, raw, {false, false, false, true}));
  EXPECT_TRUE(merge_caption(packet, raw, {true, false, false, true}));
}

}  // namespace
}  // namespace photoscribe::metadata
