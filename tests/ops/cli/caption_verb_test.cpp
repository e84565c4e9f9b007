// photoscribe caption, as a process, on databases made through Store.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CaptionVerb : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    scan({test::file("beach/a.jpg"), test::file("beach/b.jpg"), test::file("c, \"d\".jpg"),
          test::file("soft.jpg")});
    for (const Task& task : take()) {
      record({task.path == "soft.jpg" ? test::blurred(task)
                                      : test::captioned(task, "a dog in " + task.path)});
    }
  }
  ChildOutput caption(std::vector<std::string> words) {
    words.insert(words.begin(), "caption");
    words.insert(words.begin() + 2, database());
    return photoscribe(words);
  }
  json asked(std::vector<std::string> words) {
    words.emplace_back("--json");
    const ChildOutput output = caption(words);
    EXPECT_EQ(output.exit_status, 0) << output.err;
    return json::parse(output.out, nullptr, false);
  }
  std::string exported(std::vector<std::string> more) {
    std::vector<std::string> words{"export", database()};
    words.insert(words.end(), more.begin(), more.end());
    return photoscribe(words).out;
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }
  std::string read(const std::string& name) {
    std::ifstream in(folder_.file(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> edited() {
    return test::plain_rows(database(),
                            "SELECT uri, edited_caption, edited_by FROM caption_result "
                            "WHERE edited_caption IS NOT NULL ORDER BY uri");
  }
};

TEST_F(CaptionVerb, SetsApprovesUnsetsAndTakesBack) {
  const json set = asked({"set", "a.jpg", "  Ana & Rex ", "--by", "ana"});
  EXPECT_EQ(set["by"], "ana");
  EXPECT_EQ(set["changes"][0]["before"], "a dog in beach/a.jpg");
  EXPECT_EQ(set["changes"][0]["caption"], "Ana & Rex");
  EXPECT_EQ(asked({"set", "a.jpg", "Ana & Rex", "--by", "ana"})["changes"].size(), 0U);
  EXPECT_EQ(asked({"approve", "b.jpg", "3", "--by", "ben"})["changes"].size(), 2U);
  EXPECT_THAT(edited(), ElementsAre("/archive/photos/beach/a.jpg|Ana & Rex|ana",
                                    "/archive/photos/beach/b.jpg|a dog in beach/b.jpg|ben",
                                    HasSubstr("|ben")));
  EXPECT_EQ(asked({"list"})["edits"][0]["original"], "a dog in beach/a.jpg");
  EXPECT_EQ(asked({"undo", "--by", "ben"})["undone"], 2);
  EXPECT_EQ(asked({"unset", "a.jpg", "--by", "ben"})["changes"][0]["action"], "unset");
  EXPECT_EQ(edited().size(), 0U);
  EXPECT_EQ(asked({"undo", "a.jpg", "--by", "cleo"})["undone"], 1);
  EXPECT_THAT(edited(), ElementsAre("/archive/photos/beach/a.jpg|Ana & Rex|cleo"));

  const json log = asked({"log", "a.jpg"})["edits"];
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0]["undoes"], log[1]["edit"]);
  EXPECT_EQ(log[2]["by"], "ana");
  EXPECT_EQ(asked({"log", "--limit", "2"})["edits"].size(), 2U);
}

TEST_F(CaptionVerb, ChangesNothingWhereOneOfSeveralIsWrong) {
  const ChildOutput several = caption({"approve", "a.jpg", "x.jpg", "jpg"});
  EXPECT_EQ(several.exit_status, 2);
  EXPECT_THAT(several.err, AllOf(HasSubstr("\"x.jpg\""), HasSubstr("\"jpg\"")));
  EXPECT_THAT(caption({"approve", "a.jpg", "soft.jpg"}).err,
              HasSubstr("blurred and has no caption"));
  EXPECT_THAT(caption({"set", "a.jpg", " "}).err, HasSubstr("empty"));
  EXPECT_EQ(edited().size(), 0U);
  ASSERT_EQ(caption({"set", "a.jpg", "Rex", "--by", "ana"}).exit_status, 0);
  EXPECT_THAT(caption({"approve", "a.jpg"}).err, HasSubstr("was edited by ana: Rex"));
}

TEST_F(CaptionVerb, ExportsPreferTheEdit) {
  ASSERT_EQ(caption({"set", "a.jpg", "Ana & Rex"}).exit_status, 0);
  ASSERT_EQ(caption({"set", "soft.jpg", "fog on purpose"}).exit_status, 0);

  for (const char* format : {"table", "csv", "jsonl", "coco"}) {
    const std::string all = exported({"--format", format});
    EXPECT_THAT(all, AllOf(HasSubstr("Ana & Rex"), HasSubstr("fog on purpose"),
                           Not(HasSubstr("a dog in beach/a.jpg"))))
        << format;
  }
  EXPECT_THAT(exported({"--format", "csv", "--original"}), HasSubstr("a dog in beach/a.jpg"));
  EXPECT_THAT(exported({"--format", "table", "--original"}), Not(HasSubstr("Ana & Rex")));
  EXPECT_THAT(exported({"--min-confidence", "0.9"}),
              AllOf(HasSubstr("Ana & Rex"), Not(HasSubstr("a dog"))));
}

TEST_F(CaptionVerb, AnExportIsImportedAfterASpreadsheetHadIt) {
  ASSERT_EQ(caption({"set", "b.jpg", "=Rex, \"the dog\"", "--by", "ana"}).exit_status, 0);
  for (const char* format : {"csv", "jsonl"}) {
    for (const char* style : {"--original", "--csv-safe", "--include-unsure"}) {
      if (std::string(format) == "jsonl" && std::string(style) == "--csv-safe") continue;
      const std::string file = write("same", exported({"--format", format, style}));
      EXPECT_EQ(asked({"import", file})["changed"], 0) << format << style;
    }
  }
  std::string table = exported({"--format", "csv"});
  const auto at = table.find("a dog in beach/a.jpg");
  ASSERT_NE(at, std::string::npos);
  table.replace(at, 20, "\"Ana, and Rex\"");
  const std::string file = write("fixes.csv", table);

  const json dry = asked({"import", file, "--dry-run"});
  EXPECT_EQ(dry["changed"], 0);
  EXPECT_EQ(dry["changes"].size(), 1U);
  EXPECT_EQ(edited().size(), 1U);
  const json done = asked({"import", file, "--by", "ben"});
  EXPECT_EQ(done["changed"], 1);
  EXPECT_EQ(done["unchanged"], 3);
  EXPECT_EQ(edited()[0], "/archive/photos/beach/a.jpg|Ana, and Rex|ben");
  EXPECT_EQ(asked({"import", file})["changed"], 0) << "and once more";
  EXPECT_EQ(asked({"undo", "--by", "ben"})["undone"], 1);
}

TEST_F(CaptionVerb, ImportsAllOfAFileOrNothingAndNamesEveryBadLine) {
  const std::string file =
      write("fixes.tsv",
            "path\tcaption\nbeach/a.jpg\tAna\nnone.jpg\tx\nbeach/b.jpg\t\x07\nbeach/a.jpg\tBen\n");

  const ChildOutput output = caption({"import", file});

  EXPECT_EQ(output.exit_status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("line 3: no photo is called \"none.jpg\""),
                                HasSubstr("line 4: /archive/photos/beach/b.jpg: the caption has"),
                                HasSubstr("line 5: /archive/photos/beach/a.jpg: line 2 gives"),
                                HasSubstr("3 lines"), HasSubstr("nothing was changed")));
  EXPECT_EQ(edited().size(), 0U);
  EXPECT_THAT(caption({"import", folder_.file("absent.csv")}).err, HasSubstr("cannot be read"));
}

TEST_F(CaptionVerb, KeepsWhatWasEditedSinceTheExport) {
  std::string table = exported({"--format", "csv"});
  table.replace(table.find("a dog in beach/a.jpg"), 20, "from the spreadsheet");
  const std::string file = write("fixes.csv", table);
  ASSERT_EQ(caption({"set", "a.jpg", "meanwhile", "--by", "ben"}).exit_status, 0);

  EXPECT_THAT(caption({"import", file}).err,
              HasSubstr("was edited since this was exported, by ben"));
  EXPECT_EQ(edited()[0], "/archive/photos/beach/a.jpg|meanwhile|ben");
  const std::string lines = write("same.jsonl", exported({"--format", "jsonl", "--original"}));
  EXPECT_EQ(asked({"import", lines})["changed"], 0) << "what nobody changed in it stays";
  EXPECT_EQ(caption({"import", file, "--overwrite", "--by", "ana"}).exit_status, 0);
  EXPECT_EQ(edited()[0], "/archive/photos/beach/a.jpg|from the spreadsheet|ana");
}

}  // namespace
}  // namespace photoscribe::cli
