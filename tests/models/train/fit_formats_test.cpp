// Every form of captions through fit and evaluate, with no options but photos and captions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "models/format/model_store.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

using nlohmann::json;
using test::Ended;
using test::Fit;
using test::run_train;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kCaptions[] = {"a red wall in the sun .", "green grass .",
                                     "the blue sea is calm today ."};

class FitFormats : public Fit {
 protected:
  static std::string name(int i) {
    return std::string(i % 3 == 0   ? "red"
                       : i % 3 == 1 ? "green"
                                    : "blue") +
           std::to_string(i / 3) + ".bmp";
  }
  static std::string caption(int i) { return kCaptions[i % 3]; }
  static constexpr int kPhotos = 12;

  /// Trains on that file and nothing else, and evaluates the model on it.
  void through_fit_and_evaluate(const std::string& file, const std::string& dev,
                                const std::string& captions) {
    SCOPED_TRACE(file);
    captions_ = folder_.write(file, captions);
    const std::string model = folder_.file(file + ".model");
    const Ended trained = run_train(arguments(file + ".model"));
    ASSERT_EQ(trained.outcome, 0) << trained.output;
    EXPECT_THAT(trained.output, AllOf(HasSubstr(dev), HasSubstr("next: photoscribe run PHOTOS")));
    EXPECT_TRUE(load_model(model));
    const std::vector<std::string> evaluate{
        "evaluate",   model,     "--photos",    folder_.path().string(),
        "--captions", captions_, "--bootstrap", "0"};
    const Ended scored = run_train(evaluate);
    EXPECT_EQ(scored.outcome, 0) << scored.output;
    EXPECT_THAT(scored.output, AllOf(HasSubstr("12 photos, 0 left out"), HasSubstr("BLEU-4"),
                                     HasSubstr("CIDEr-D")));
    std::vector<std::string> on_dev = evaluate;
    on_dev.insert(on_dev.end(), {"--split", model + ".work/dev.txt"});
    const Ended of_dev = run_train(on_dev);
    EXPECT_EQ(of_dev.outcome, 0) << of_dev.output;
  }
};

TEST_F(FitFormats, FlickrTokens) {
  std::string lines;
  for (int i = 0; i < kPhotos; ++i) lines += name(i) + "#0\t" + caption(i) + "\n";
  through_fit_and_evaluate("Flickr8k.token.txt", "held out for evaluation", lines);
}

TEST_F(FitFormats, Csv) {
  std::string lines = "image,caption\n";
  for (int i = 0; i < kPhotos; ++i) lines += name(i) + ",\"" + caption(i) + "\"\n";
  through_fit_and_evaluate("captions.csv", "held out for evaluation", lines);
}

TEST_F(FitFormats, JsonLines) {
  std::string lines;
  for (int i = 0; i < kPhotos; ++i)
    lines += json{{"id", name(i)}, {"captions", {caption(i), caption(i)}}}.dump() + "\n";
  through_fit_and_evaluate("mine.jsonl", "held out for evaluation", lines);
}

TEST_F(FitFormats, Coco) {
  json file{{"info", {}}, {"images", json::array()}, {"annotations", json::array()}};
  for (int i = 0; i < kPhotos; ++i) {
    file["images"].push_back({{"id", 100 + i}, {"file_name", name(i)}});
    file["annotations"].push_back({{"id", i}, {"image_id", 100 + i}, {"caption", caption(i)}});
  }
  through_fit_and_evaluate("captions_train2014.json", "held out for evaluation", file.dump());
}

TEST_F(FitFormats, Karpathy) {
  json file{{"images", json::array()}, {"dataset", "made"}};
  for (int i = 0; i < kPhotos; ++i)
    file["images"].push_back({{"filepath", "nowhere"},
                              {"filename", name(i)},
                              {"split", i < 6   ? "train"
                                        : i < 9 ? "val"
                                                : "test"},
                              {"sentences", {{{"raw", caption(i)}}}}});
  through_fit_and_evaluate("dataset.json", "6 photos to train on, 3 for evaluation", file.dump());
  const Ended tested =
      run_train({"evaluate", folder_.file("dataset.json.model"), "--photos",
                 folder_.path().string(), "--captions", captions_, "--split", "test"});
  EXPECT_THAT(tested.output, HasSubstr("3 photos, 0 left out"));
}

TEST_F(FitFormats, CocosDevCaptionsMayLieInAnotherFile) {
  std::string train, dev;
  for (int i = 0; i < kPhotos; ++i) (i < 9 ? train : dev) += name(i) + "#0\t" + caption(i) + "\n";
  captions_ = folder_.write("train.token", train);
  const Ended trained =
      run_train(arguments("apart", {"--dev-captions", folder_.write("dev.token", dev)}));
  EXPECT_EQ(trained.outcome, 0) << trained.output;
  EXPECT_THAT(trained.output, HasSubstr("9 photos to train on, 3 for evaluation"));
}

TEST_F(FitFormats, PhotosCaptionsAndAModelToStartFromAreEnough) {
  const Ended first = run_train(arguments("first"));
  ASSERT_EQ(first.outcome, 0) << first.output;
  const Ended next = run_train({"fit", "--photos", folder_.path().string(), "--captions", captions_,
                                "--start", folder_.file("first"), "--output", folder_.file("next"),
                                "--words-count-min", "1"});
  EXPECT_EQ(next.outcome, 0) << next.output;
  const auto before = load_model(folder_.file("first")), after = load_model(folder_.file("next"));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->folder.architecture, after->folder.architecture);
}

TEST_F(FitFormats, WithoutWeightsToBeginWithItSaysWhichThereAre) {
  const Ended refused = run_train({"fit", "--photos", folder_.path().string(), "--captions",
                                   captions_, "--output", folder_.file("none")});
  EXPECT_EQ(refused.outcome, 2);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("--start MODEL"), HasSubstr("--encoder FILE"),
                                    HasSubstr("photoscribe-train import")));
}

}  // namespace
}  // namespace photoscribe
