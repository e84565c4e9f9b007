// The verb plot: what it reads from a training's work folder, the page that it makes, and its
// errors for other folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/train/progress/curve_page.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kHeader =
    "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds,cider\n";

std::string line(const std::string& at, const std::string& bleu4, const std::string& cider) {
  return at + ",0.0004,3.25,0.61,0.42,0.27," + bleu4 + ",75," + cider + "\n";
}

class Plot : public testing::Test {
 protected:
  /// A training of two epochs and a critic stage, whose dev photos are `a<b>.jpg` and c.jpg.
  std::string work(const std::string& name) const {
    const std::string folder = folder_.file(name);
    fs::create_directories(folder + "/captions");
    put(name + "/curve.csv",
        kHeader + line("decoder,1,30", "0.10", "0.2") + line("decoder,2,60", "0.14", "0.3") +
            line("critic,20,20", "0.19", "0.5") + line("critic,40,40", "0.18", "0.55"));
    put(name + "/dev.txt", "a<b>.jpg\nc.jpg\n");
    put(name + "/captions/decoder-30.jsonl", caption_line("a man"));
    put(name + "/captions/decoder-60.jsonl", caption_line("a man"));
    put(name + "/captions/critic-20.jsonl", caption_line("a man on a horse"));
    put(name + "/captions/critic-40.jsonl", caption_line("a man on a grey horse"));
    put(name + "/references.jsonl", R"({"id": "a<b>.jpg", "captions": ["A rider & his <horse> ."]})"
                                    "\n");
    return folder;
  }

  static std::string caption_line(const std::string& caption) {
    return R"({"id": "a<b>.jpg", "caption": ")" + caption + "\"}\n" +
           R"({"id": "c.jpg", "caption": "green grass"})" + "\n";
  }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(".") + "/" + name) << text;
  }

  static std::string refusal(const std::string& folder) {
    const auto read = read_training(folder, "");
    return read ? "was taken" : read.error().message;
  }

  static TrainingWork read(const std::string& folder) {
    auto work = read_training(folder, "");
    EXPECT_TRUE(work) << work.error().message;
    return std::move(*work);
  }

  test::TempDir folder_;
};

TEST_F(Plot, ReadsScoresOfEveryStageAndCountsStepsOverAllOfThem) {
  const TrainingWork training = read(work("w"));
  ASSERT_THAT(training.curve.points, SizeIs(4));
  EXPECT_THAT(total_steps(training.curve), ElementsAre(30, 60, 80, 100));
  EXPECT_EQ(training.curve.points[1].rate, 0.0004);
  EXPECT_EQ(training.curve.points[1].bleu[3], 0.14);
  EXPECT_EQ(training.curve.points[3].cider, 0.55);
  EXPECT_EQ(place_text(best_point(training.curve)), "critic, step 20");
  EXPECT_THAT(training.curve.notes, IsEmpty());
}

TEST_F(Plot, ACurveOfAnEarlierVersionHasNoCiderAndNoCaptions) {
  const std::string folder = work("w");
  put("w/curve.csv",
      "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds\n"
      "decoder,1,30,0.0008,4.1,0.5,0.3,0.2,0.1,60\n");
  fs::remove_all(folder + "/captions");
  const TrainingWork training = read(folder);
  ASSERT_THAT(training.curve.points, SizeIs(1));
  EXPECT_FALSE(training.curve.points[0].cider);
  EXPECT_THAT(training.curve.notes, ElementsAre(HasSubstr("has no dev captions")));
  const std::string page = curve_page({training}, 10, "now");
  EXPECT_THAT(page, Not(HasSubstr("CIDEr-D over time")));
  EXPECT_THAT(page, HasSubstr("BLEU-4 over time"));
  EXPECT_TRUE(curve_json({training})["trainings"][0]["scores"][0]["cider"].is_null());
}

TEST_F(Plot, ARowOfAnEarlierVersionInAResumedCurveHasNoCider) {
  const auto curve = parse_curve(
      kHeader + line("decoder,1,30", "0.1", "") + line("decoder,2,60", "0.2", "0.3"), "c");
  ASSERT_TRUE(curve);
  ASSERT_THAT(curve->points, SizeIs(2));
  EXPECT_FALSE(curve->points[0].cider);
  EXPECT_EQ(curve->points[1].cider, 0.3);
}

TEST_F(Plot, AnIncompleteOrMalformedLineIsLeftOutWithANote) {
  for (const char* bad : {"decoder,2,60,0.0", "decoder,2,60,x,3,0.6,0.4,0.3,0.2,75,0.4",
                          "decoder,2,60,0.1,nan,0.6,0.4,0.3,0.2,75,0.4", "\xff\xfe,,,",
                          ",,,,,,,,,,", "elsewhere,2,60,0.1,3,0.6,0.4,0.3,0.2,75,0.4"}) {
    const auto curve = parse_curve(kHeader + line("decoder,1,30", "0.1", "0.2") + bad, "c");
    ASSERT_TRUE(curve) << bad;
    EXPECT_THAT(curve->points, SizeIs(1)) << bad;
    EXPECT_THAT(curve->notes, ElementsAre(HasSubstr("c, line 3: is incomplete or malformed")))
        << bad;
  }
}

TEST_F(Plot, WhatIsNoTrainingIsRefusedWithWhatToDo) {
  EXPECT_THAT(refusal(folder_.file("absent")), HasSubstr("no such folder; name the work folder"));
  EXPECT_THAT(refusal(folder_.write("file", "x")), HasSubstr("is not a folder"));

  fs::create_directories(folder_.file("model"));
  put("model/model.yaml", "name: x\n");
  EXPECT_THAT(refusal(folder_.file("model")), HasSubstr("is a model, not a work folder"));
  fs::create_directories(folder_.file("model.work"));
  EXPECT_THAT(refusal(folder_.file("model") + "/"), HasSubstr("model.work"));

  EXPECT_THAT(refusal(folder_.file("model.work")), HasSubstr("it has no curve.csv"));
  put("model.work/dev.txt", "a.jpg\n");
  EXPECT_THAT(refusal(folder_.file("model.work")), HasSubstr("nothing has been scored yet"));
  put("model.work/curve.csv", "");
  EXPECT_THAT(refusal(folder_.file("model.work")), HasSubstr("is empty"));
  put("model.work/curve.csv", kHeader);
  EXPECT_THAT(refusal(folder_.file("model.work")), HasSubstr("has no score yet"));
  put("model.work/curve.csv", "photo,caption\na.jpg,x\n");
  EXPECT_THAT(refusal(folder_.file("model.work")),
              HasSubstr("is not a curve of photoscribe-train"));
  put("model.work/curve.csv", std::string(1'000, '\0'));
  EXPECT_THAT(refusal(folder_.file("model.work")),
              HasSubstr("is not a curve of photoscribe-train"));
}

TEST_F(Plot, ThePageHoldsEveryCurveAndLoadsNothing) {
  const std::string page = curve_page({read(work("w"))}, 10, "now");
  for (const char* caption : {"Loss", "Mean reward", "BLEU-1 to 4", "CIDEr-D", "Learning rate",
                              "BLEU-4 over time", "CIDEr-D over time"})
    EXPECT_THAT(page, HasSubstr("<figcaption>" + std::string(caption) + "</figcaption>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* request : {"src=", "href=", "http:", "https:", "url(", "@import", "<script"})
    EXPECT_THAT(page, Not(HasSubstr(request))) << request;
  EXPECT_THAT(page, HasSubstr("BLEU-4, critic, step 20, 1 min 15 s: 19"));
  EXPECT_THAT(page, Not(HasSubstr("a<b>")));
}

TEST_F(Plot, CaptionsAreShownBesideTheirReferencesAsTheyChange) {
  const std::string page = curve_page({read(work("w"))}, 10, "now");
  EXPECT_THAT(page, HasSubstr("<small>epoch 1 to epoch 2</small>a man</li>"));
  EXPECT_THAT(page, HasSubstr("<small>critic, step 40</small>a man on a grey horse</li>"));
  EXPECT_THAT(page, HasSubstr("<li>A rider &amp; his &lt;horse&gt; .</li>"));
  EXPECT_THAT(page, HasSubstr("<small>epoch 1 to critic, step 40</small>green grass</li>"));
  const std::string one = curve_page({read(work("w"))}, 1, "now");
  EXPECT_THAT(one, Not(HasSubstr("c.jpg")));
}

TEST_F(Plot, SeveralTrainingsShareTheChartsAndTheCards) {
  put("x", "");
  fs::create_directories(folder_.file("other"));
  const std::string first = work("w"), second = work("v");
  put("v/captions/critic-40.jsonl", caption_line("a camel"));
  const std::string page = curve_page({read(first), read(second)}, 10, "now");
  EXPECT_THAT(page, HasSubstr("</i>w</span>"));
  EXPECT_THAT(page, HasSubstr("</i>v</span>"));
  EXPECT_THAT(page, HasSubstr("<figcaption>BLEU-1</figcaption>"));
  EXPECT_THAT(page, HasSubstr("a camel"));
  // Two folders of one name are distinguished by their paths.
  fs::create_directories(folder_.file("deep"));
  fs::copy(first, folder_.file("deep") + "/w", fs::copy_options::recursive);
  const std::string twins = curve_page({read(first), read(folder_.file("deep") + "/w")}, 10, "now");
  EXPECT_THAT(twins, HasSubstr("deep/w</span>"));
}

TEST_F(Plot, TheVerbWritesPageAndJsonAndSaysWhatItCannotRead) {
  const std::string folder = work("w"), program = PHOTOSCRIBE_BIN_DIR "/photoscribe-train plot ";
  const std::string page = folder_.file("page.html"), json = folder_.file("out.json"),
                    errors = folder_.file("errors");
  ASSERT_EQ(std::system((program + folder + " --html " + page + " --json > " + json).c_str()), 0);
  EXPECT_GT(fs::file_size(page), 5'000U);
  std::ifstream file(json);
  const auto parsed = nlohmann::json::parse(file);
  EXPECT_EQ(parsed["trainings"][0]["scores"][3]["total_step"], 100);
  EXPECT_EQ(parsed["trainings"][0]["scores"][3]["captions"]["a<b>.jpg"], "a man on a grey horse");
  const int status = std::system((program + folder_.file("absent") + " 2> " + errors).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  std::ifstream printed(errors);
  std::string sentence;
  std::getline(printed, sentence);
  EXPECT_THAT(sentence, HasSubstr("no such folder"));
}

}  // namespace
}  // namespace photoscribe
