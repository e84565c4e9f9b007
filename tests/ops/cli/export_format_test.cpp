#include "ops/cli/run/export_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ops/cli/run/export_columns.h"

namespace photoscribe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

ResultRow captioned(std::int64_t id, const std::string& path, const std::string& caption) {
  ResultRow row;
  row.image_id = id;
  row.run = "default";
  row.root = "photos";
  row.uri = "/data/photos/" + path;
  row.path = path;
  row.state = "done";
  row.blur_score = 123.25;
  row.blur_threshold = 100;
  row.caption = caption;
  row.log_prob = -4.5;
  row.bleu = {0.5, 0.25, 0.125, 0.0625};
  row.width_px = 640;
  row.height_px = 480;
  row.model = "abc";
  row.worker = "host-1";
  row.finished_unix_ms = 1'700'000'000'007;
  return row;
}

ResultRow failed(const std::string& path) {
  ResultRow row;
  row.image_id = 9;
  row.run = "default";
  row.root = "photos";
  row.uri = "/data/photos/" + path;
  row.path = path;
  row.state = "failed";
  row.reason = "empty";
  row.detail = "zero bytes";
  row.blur_threshold = 100;
  return row;
}

TEST(CsvFormat, Issue13WritesTheColumnsOfTheViewAndThoseOfJsonLinesAsRfc4180) {
  const auto csv = csv_format();

  EXPECT_EQ(csv->head(),
            "run,root,uri,state,reason,blur_score,blur_threshold,caption,log_prob,bleu1,bleu2,"
            "bleu3,bleu4,width,height,model,worker,finished_at,confidence,concepts,path,detail,"
            "blur_mode,blur_full,blur_normalised,blur_tile_max,blur_edges,blur_learned,sha256,"
            "copied_from,hash_distance,vanished,preview,edited_caption,edited_by,edited_at\r\n");
  EXPECT_EQ(csv->row(captioned(7, "a.jpg", "a dog runs")),
            "default,photos,/data/photos/a.jpg,done,,123.25,100,a dog runs,-4.5,0.5,0.25,0.125,"
            "0.0625,640,480,abc,host-1,2023-11-14T22:13:20.007Z,,,a.jpg,,full,,,,,,,,,,,,,\r\n");
  ResultRow full = captioned(7, "a.jpg", "a dog runs");
  full.confidence = 0.75;
  full.concepts = {{"pizza", 0.91F}, {"stop sign", 0.2F}};
  full.blur_scores = BlurScores{{123.25, 2, 3, 4, 5}};
  full.sha256 = "ab";
  full.copied_from = "/old/a.jpg";
  full.vanished = full.preview = true;
  full.edited_caption = "Rex";
  full.edited_by = "ana";
  full.edited_unix_ms = 1'700'000'000'123;
  EXPECT_THAT(
      csv->row(full),
      testing::EndsWith(",0.75,pizza 0.91; stop sign 0.2,a.jpg,,full,123.25,"
                        "2,3,4,5,ab,/old/a.jpg,,true,true,Rex,ana,2023-11-14T22:13:20.123Z\r\n"));
  EXPECT_THAT(jsonl_format()->row(full), HasSubstr("\"preview\":true"));
  EXPECT_THAT(jsonl_format()->row(captioned(7, "a.jpg", "x")), Not(HasSubstr("preview")));
  EXPECT_EQ(csv->row(failed("x.jpg")),
            "default,photos,/data/photos/x.jpg,failed,empty,,100,,,,,,,,,,,,,,x.jpg,zero bytes,full"
            ",,,,,,,,,,,,,\r\n");
}

TEST(CsvFormat, QuotesNewlinesCommasAndQuotes) {
  EXPECT_THAT(csv_format()->row(captioned(7, "a\n\"b\",c.jpg", "x")),
              HasSubstr(",\"/data/photos/a\n\"\"b\"\",c.jpg\","));
}

TEST(CsvFormat, DrivesNoTerminal) {
  const auto csv = csv_format({}, {true, false});

  const std::string row = csv->row(captioned(7, "\x1b]0;title\x07\n\xc2\x9b.jpg", "a \x1b[31mdog"));

  EXPECT_THAT(row, HasSubstr(R"(/data/photos/\x1B]0;title\x07\n\u{9B}.jpg,)"));
  EXPECT_THAT(row, HasSubstr(R"(a \x1B[31mdog)"));
  EXPECT_EQ(row.find_first_of("\x1b\x07"), std::string::npos);
}

TEST(CsvFormat, SafeKeepsFormulasOutOfSpreadsheetsAndNumbersNumbers) {
  const auto csv = csv_format({}, {false, true});
  const auto caption = [&](const std::string& text) {
    const std::string row = csv->row(captioned(7, "a.jpg", text));
    const auto begin = row.find(",100,") + 5;
    return row.substr(begin, row.find(",-4.5,") - begin);
  };

  EXPECT_EQ(caption("a dog"), "a dog");
  EXPECT_EQ(caption("=1+1"), "'=1+1");
  EXPECT_EQ(caption("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
  for (const char* const text : {"+cmd", "-cmd", "@SUM(1)", "-1+cmd|' /C calc'!A0", " =1", "＝1"})
    EXPECT_EQ(caption(text), std::string("'") + text);
  EXPECT_EQ(caption("\t=1"), "\"'\t=1\"");
  EXPECT_EQ(caption("a;=1"), "\"a;=1\"") << "where ; parts the cells";
  EXPECT_EQ(caption("-3"), "-3");
  EXPECT_EQ(csv_format()->row(captioned(7, "a.jpg", "=1")).find('\''), std::string::npos);
}

TEST(JsonLinesFormat, GivesTheBytesOfANameThatIsNoText) {
  ResultRow row = captioned(7, "caf\xe9\n.jpg", "a dog");
  row.uri = "/data/photos/caf%E9\n.jpg";

  const std::string line = jsonl_format()->row(row);
  const nlohmann::json object = nlohmann::json::parse(line);

  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(object["uri"], "/data/photos/caf%E9\n.jpg");
  EXPECT_EQ(object["path"], "caf\xEF\xBF\xBD\n.jpg");
  EXPECT_EQ(object["path_base64"], "Y2Fm6QouanBn");
  EXPECT_EQ(object["caption"], "a dog");
  EXPECT_EQ(object["bleu4"], 0.0625);
  EXPECT_EQ(object["reason"], nullptr);
  EXPECT_EQ(object["finished_at"], "2023-11-14T22:13:20.007Z");
}

TEST(JsonLinesFormat, HasWhatSpeaksForACaptionAndAgainstIt) {
  ResultRow row = captioned(7, "a.jpg", "a pizza");
  row.state = "unsure";
  row.evidence = CaptionEvidence{-2.5, 0.75, 0.5, 0.125, 1.5};
  row.concepts = {{"pizza", 0.91F}};

  const nlohmann::json object = nlohmann::json::parse(jsonl_format()->row(row));

  EXPECT_EQ(object["state"], "unsure");
  EXPECT_EQ(object["evidence"], nlohmann::json::parse(R"({"word_log_prob_min": -2.5,
              "beam_agreement": 0.75, "mentioned_min": 0.5, "unmentioned_max": 0.125,
              "novelty": 1.5})"));
  EXPECT_EQ(object["concepts"],
            nlohmann::json::parse(R"([{"word": "pizza", "probability": 0.91}])"));
}

// Few runs have them: a column only where it is asked for, a member only where there are some.
TEST(JsonLinesFormat, Issue16HasTheOtherCaptionsOfTheSearch) {
  ResultRow row = captioned(7, "a.jpg", "a pizza");
  EXPECT_THAT(jsonl_format()->row(row), Not(HasSubstr("alternatives")));
  row.alternatives = {{"a plate of food", -5.5, 4}, {"food", -6, 1}};

  const nlohmann::json object = nlohmann::json::parse(jsonl_format()->row(row));
  EXPECT_EQ(object["alternatives"], nlohmann::json::parse(R"([
              {"caption": "a plate of food", "log_prob": -5.5, "tokens": 4},
              {"caption": "food", "log_prob": -6.0, "tokens": 1}])"));
  const auto chosen = choose_columns("alternatives", {});
  ASSERT_TRUE(chosen);
  EXPECT_EQ(text_of(chosen->front(), row, BlurMode::full), "a plate of food -5.5; food -6");
}

TEST(CocoFormat, IsAnArrayOfTheCaptionedPhotos) {
  const auto coco = coco_format();

  std::string text = coco->head();
  text += coco->row(captioned(7, "deep/a.jpg", "a \"dog\""));
  text += coco->row(failed("x.jpg"));
  text += coco->row(captioned(8, "b.jpg", "a cat"));
  text += coco->tail();

  EXPECT_EQ(nlohmann::json::parse(text), nlohmann::json::parse(R"([
              {"image_id": 7, "caption": "a \"dog\"", "file_name": "a.jpg"},
              {"image_id": 8, "caption": "a cat", "file_name": "b.jpg"}])"));
}

TEST(CocoFormat, IsAnEmptyArrayWithoutCaptions) {
  const auto coco = coco_format();

  EXPECT_EQ(nlohmann::json::parse(coco->head() + coco->row(failed("x.jpg")) + coco->tail()),
            nlohmann::json::array());
}

TEST(CocoFormat, TakesTheNumbersOfCocosOwnNames) {
  EXPECT_EQ(coco_id("COCO_val2014_000000391895.jpg"), 391895);
  EXPECT_EQ(coco_id("000000391895.jpg"), 391895);
  EXPECT_EQ(coco_id("391895.jpg"), std::nullopt);
  EXPECT_EQ(coco_id("1000268201_693b08cb0e.jpg"), std::nullopt);
  EXPECT_EQ(coco_id("-00000391895.jpg"), std::nullopt);
  EXPECT_EQ(coco_id(""), std::nullopt);
  ExportRun run;
  run.ids_from_names = true;
  EXPECT_THAT(coco_format(run)->row(captioned(7, "000000391895.jpg", "x")), HasSubstr("391895,"));
}

TEST(Export, Issue13TellsPhotosOfOneBaseNameApart) {
  ExportRun run;
  run.same_names = true;
  EXPECT_THAT(coco_format(run)->row(captioned(7, "2019/a.jpg", "x")),
              HasSubstr("\"file_name\":\"2019/a.jpg\""));
  run.several_roots = true;
  EXPECT_THAT(coco_format(run)->row(captioned(7, "2019/a.jpg", "x")),
              HasSubstr("\"file_name\":\"photos/2019/a.jpg\""));
  EXPECT_THAT(table_format(0, Ink(false))->row(captioned(7, "2019/a.jpg", "x")),
              testing::StartsWith("2019/a.jpg "));
  EXPECT_THAT(table_format(0, Ink(false), run)->row(captioned(7, "2019/a.jpg", "x")),
              testing::StartsWith("photos/2019/a.jpg "));
  const std::string deep = std::string(50, 'd') + "/a.jpg";
  EXPECT_THAT(table_format(0, Ink(false))->row(captioned(7, deep, "x")), testing::StartsWith(deep))
      << "nothing is cut in a file";
}

TEST(Export, Issue13SaysInWhichBlurModeAScoreIs) {
  ExportRun run;
  run.blur_mode = BlurMode::learned;
  ResultRow row = captioned(7, "a.jpg", "x");
  row.blur_scores = BlurScores{{1, 2, 3, 4, 123.25}};
  EXPECT_THAT(jsonl_format(run)->row(row), HasSubstr("\"blur_mode\":\"learned\""));
  EXPECT_THAT(csv_format(run)->row(row), HasSubstr(",learned,1,2,3,4,123.25,"));
  EXPECT_THAT(table_format(0, Ink(false), run)->head(), HasSubstr("blur_learned"));
  row.blur_score = 2;  // from before a --redo with another mode that did not name it
  EXPECT_THAT(jsonl_format(run)->row(row), HasSubstr("\"blur_mode\":\"normalised\""));
}

TEST(TableFormat, KeepsToTheWidthAndShowsNoControlCharacters) {
  const auto table = table_format(60, Ink(false));

  EXPECT_EQ(table->row(captioned(7, "a\x1b.jpg", "a dog runs through the grass in the sun")),
            "a\\x1B.jpg             123.2  a dog runs through the grass i…\n");
  EXPECT_THAT(table->row(failed("x.jpg")), HasSubstr("failed: empty, zero bytes"));
}

}  // namespace
}  // namespace photoscribe::cli
