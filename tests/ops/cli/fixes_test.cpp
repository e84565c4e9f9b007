// Files of corrections: what their lines mean, and what they ask for.
#include "ops/cli/correct/fixes.h"

#include <gmock/gmock.h>

namespace photoscribe::cli {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string refusal(std::string_view text) {
  const auto lines = parse_fixes(text);
  return lines ? "understood" : lines.error().message;
}

TEST(FixesFile, ReadsWhatSpreadsheetsWrite) {
  for (const char* text : {"path,caption\r\na.jpg,\"Ana, at \"\"home\"\"\"\r\n",
                           "\xEF\xBB\xBFPath;Caption\na.jpg;\"Ana, at \"\"home\"\"\"\n",
                           "path\tid\tcaption\na.jpg\t\tAna, at \"home\"",
                           "other,path,caption\n1,a.jpg,\"Ana, at \"\"home\"\"\"\n\n\n"}) {
    const auto lines = parse_fixes(text);
    ASSERT_TRUE(lines) << text << lines.error().message;
    ASSERT_THAT(*lines, SizeIs(1)) << text;
    EXPECT_EQ(lines->front().line, 2);
    EXPECT_EQ(lines->front().photo.path, "a.jpg");
    EXPECT_EQ(lines->front().caption, "Ana, at \"home\"") << text;
    EXPECT_EQ(lines->front().wrong, "");
    EXPECT_EQ(lines->front().edited_caption, std::nullopt);
  }
}

TEST(FixesFile, ReadsJsonLines) {
  const auto lines = parse_fixes(
      "{\"uri\": \"/a/b.jpg\", \"edited_caption\": null, \"caption\": \"Ana\"}\n\n"
      "{\"id\": 7, \"edited_caption\": \"\"}\n{\"caption\": \"x\"}\n[]\n{\"id\": 7, \"caption\": "
      "3}");
  ASSERT_TRUE(lines);
  ASSERT_THAT(*lines, SizeIs(5));
  EXPECT_EQ((*lines)[0].photo.uri, "/a/b.jpg");
  EXPECT_EQ((*lines)[0].caption, "Ana");
  EXPECT_EQ((*lines)[0].edited_caption, "") << "no edit when this was exported";
  EXPECT_EQ((*lines)[1].photo.id, "7");
  EXPECT_EQ((*lines)[1].line, 3);
  EXPECT_EQ((*lines)[1].edited_caption, "");
  EXPECT_THAT((*lines)[2].wrong, HasSubstr("names no photo"));
  EXPECT_THAT((*lines)[3].wrong, HasSubstr("not a JSON object"));
  EXPECT_THAT((*lines)[4].wrong, HasSubstr("\"caption\" is not text"));
}

TEST(FixesFile, SaysWhatIsWrong) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("a.jpg,a dog\n"), HasSubstr("first line must name the columns"));
  EXPECT_THAT(refusal("path,caption\ncaf\xe9.jpg,x\n"), HasSubstr("UTF-8"));
  const auto lines = parse_fixes("path,caption\na.jpg,x,y\n,x\nb.jpg,\"never closed\nc.jpg,x\n");
  ASSERT_TRUE(lines);
  ASSERT_THAT(*lines, SizeIs(3));
  EXPECT_THAT((*lines)[0].wrong, HasSubstr("3 fields"));
  EXPECT_THAT((*lines)[1].wrong, HasSubstr("names no photo"));
  EXPECT_THAT((*lines)[2].wrong, HasSubstr("never closed"));
  EXPECT_EQ((*lines)[2].line, 4);
}

CaptionNow captioned_now(std::optional<std::string> edit = std::nullopt) {
  CaptionNow now;
  now.state = "done";
  now.original = "a dog";
  if (edit) {
    now.edit.emplace();
    now.edit->caption = std::move(edit);
    now.edit->by = "ben";
    now.edit->at_unix_ms = 1'700'000'000'123;
  }
  return now;
}

/// "" for no fix, "unset", or the caption; "!" and the message of a refusal.
std::string asked(const FixLine& line, const CaptionNow& now, bool overwrite = false) {
  const auto fix = fix_of(line, now, overwrite);
  if (!fix) return "!" + fix.error().message;
  if (!*fix) return "";
  return (*fix)->action == EditAction::unset ? "unset" : (*fix)->caption;
}

FixLine line(std::optional<std::string> caption, std::optional<std::string> edited = std::nullopt,
             std::optional<std::string> edited_at = std::nullopt) {
  FixLine one;
  one.caption = std::move(caption);
  one.edited_caption = std::move(edited);
  one.edited_at = std::move(edited_at);
  return one;
}

TEST(FixOf, AnExportThatNobodyChangedAsksForNothing) {
  const std::string at = "2023-11-14T22:13:20.123Z";
  EXPECT_EQ(iso_time_of(1'700'000'000'123), at);
  EXPECT_EQ(asked(line("a dog"), captioned_now()), "");
  EXPECT_EQ(asked(line("a dog", "", ""), captioned_now()), "");
  EXPECT_EQ(asked(line("Rex", "Rex", at), captioned_now("Rex")), "") << "an export";
  EXPECT_EQ(asked(line("a dog", "Rex", at), captioned_now("Rex")), "") << "export --original";
  EXPECT_EQ(asked(line("'=Rex", "'=Rex", at), captioned_now("=Rex")), "") << "export --csv-safe";
  CaptionNow unsure = captioned_now();
  unsure.state = "unsure";
  EXPECT_EQ(asked(line("", "", ""), unsure), "");
  EXPECT_EQ(asked(line("a dog", "", ""), unsure), "") << "export --include-unsure";
}

TEST(FixOf, EitherColumnMayBeCorrected) {
  EXPECT_EQ(asked(line("Rex"), captioned_now()), "Rex");
  EXPECT_EQ(asked(line("Rex", "", ""), captioned_now()), "Rex");
  EXPECT_EQ(asked(line("a dog", "Rex", ""), captioned_now()), "Rex");
  EXPECT_EQ(asked(line("Rex", "Rex", ""), captioned_now()), "Rex");
  EXPECT_EQ(asked(line("Max", "Rex"), captioned_now("Rex")), "Max");
  EXPECT_EQ(asked(line("Rex", ""), captioned_now("Rex")), "unset");
  EXPECT_EQ(asked(line("a dog"), captioned_now("Rex")), "a dog") << "the model was right";
  EXPECT_EQ(asked(line(""), captioned_now("Rex")), "") << "an empty cell says nothing";
  EXPECT_THAT(asked(line("Max", "Tim"), captioned_now()), HasSubstr("both new, and differ"));
  EXPECT_THAT(asked(line("two\nlines"), captioned_now()), HasSubstr("line break"));
}

TEST(FixOf, WhatSomebodyEditedSinceTheExportIsNotOverwritten) {
  EXPECT_THAT(asked(line("Max", "", ""), captioned_now("Rex")), HasSubstr("edited since"));
  EXPECT_THAT(asked(line("Rex", "Max", "2023-11-14T00:00:00.000Z"), captioned_now("Rex")),
              HasSubstr("by ben"));
  EXPECT_EQ(asked(line("Rex", "Max", "2023-11-14T00:00:00.000Z"), captioned_now("Rex"), true),
            "Max");
  EXPECT_EQ(asked(line("a dog", "", ""), captioned_now("Rex")), "") << "and this says nothing";
  EXPECT_EQ(asked(line("Rex", "", ""), captioned_now("Rex")), "") << "imported once already";
  EXPECT_EQ(asked(line("Rex", "Max", "14.11.2023"), captioned_now("Rex")), "Max")
      << "a spreadsheet wrote the date its own way";
}

}  // namespace
}  // namespace photoscribe::cli
