// How a training ends, resumes and refuses: what it prints, and what is on the disk.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "models/format/model_store.h"
#include "models/format/safetensors.h"
#include "models/train/features.h"
#include "tests/chaos/small_disk.h"
#include "tests/models/train/fit_fixture.h"
#include "tests/models/train/train_process.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using test::Ended;
using test::Fit;
using test::kSide;
using test::run_train;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class FitEnds : public Fit {
 protected:
  void expect_same(const std::string& one, const std::string& other) const {
    for (const char* file : {".work/checkpoint.safetensors", "/weights.safetensors"}) {
      const auto a = load_tensors(folder_.file(one + file)),
                 b = load_tensors(folder_.file(other + file));
      ASSERT_TRUE(a && b);
      ASSERT_EQ(a->size(), b->size());
      for (const auto& [name, tensor] : *a) EXPECT_TRUE(at::equal(tensor, b->at(name))) << name;
    }
  }
  std::string why(const FitOptions& o) const {
    const Status status = fit(o);
    EXPECT_FALSE(status);
    return status ? "" : status.error().message;
  }
  /// More photos than fit into one file of features.
  void many_photos(int count) {
    captions_ = folder_.file("many.token");
    std::ofstream lines(captions_);
    for (int i = 0; i < count; ++i) {
      const std::string name = "many" + std::to_string(i) + ".bmp";
      const auto level = [i](int step) { return static_cast<unsigned char>(i * step % 200 + 20); };
      folder_.write(name, test::bmp(kSide, {level(1), level(7), level(31)}));
      lines << name << "#0\t" << (i % 2 == 0 ? "green grass ." : "a red wall in the sun .") << "\n";
    }
  }
};

TEST_F(FitEnds, WithoutABetterScoreItSaysSoAndWhichWasTheBestAndWhatIsNext) {
  const auto arguments =
      this->arguments("model", {"--epochs", "9", "--patience", "2", "--rate", "0"});
  const Ended ended = run_train(arguments);
  EXPECT_EQ(ended.outcome, 0) << ended.output;
  const std::string ending = "stopped after epoch 3: no better BLEU-4 in 2 epochs; best: epoch 1 (";
  EXPECT_THAT(ended.output, AllOf(HasSubstr(ending), HasSubstr("next: photoscribe run PHOTOS"),
                                  HasSubstr("--model " + folder_.file("model"))));
  // The same command finds it finished, and writes the model again if it is gone.
  const auto written = fs::last_write_time(folder_.file("model/model.yaml"));
  const Ended again = run_train(arguments);
  EXPECT_EQ(again.outcome, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("already finished: " + ending));
  EXPECT_EQ(fs::last_write_time(folder_.file("model/model.yaml")), written);
  fs::remove_all(folder_.file("model"));
  EXPECT_EQ(run_train(arguments).outcome, 0);
  EXPECT_TRUE(load_model(folder_.file("model")));
}

TEST_F(FitEnds, AllEpochsAreSaidToBeDone) {
  const Ended ended = run_train(arguments("model"));
  EXPECT_THAT(ended.output, HasSubstr("stopped after epoch 2: all of --epochs; best: epoch "));
}

TEST_F(FitEnds, CtrlCKeepsWhatIsDoneSaysHowToResumeAndResumesToTheSameBits) {
  EXPECT_EQ(run_train(arguments("whole")).outcome, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    SCOPED_TRACE(signal);
    const std::string name = "parts " + std::to_string(signal);  // quoted in the command
    const Ended stopped = run_train(arguments(name), {.at_line = "epoch 1:", .signal = signal});
    EXPECT_EQ(stopped.outcome, 4) << stopped.output;
    EXPECT_THAT(stopped.output, AllOf(HasSubstr("stopping, and keeping what is done"),
                                      HasSubstr("of stage 'decoder'"),
                                      HasSubstr("the same command resumes there: "),
                                      HasSubstr("--output '" + folder_.file(name) + "'")));
    const Ended resumed = run_train(arguments(name));
    EXPECT_EQ(resumed.outcome, 0) << resumed.output;
    EXPECT_THAT(resumed.output, HasSubstr("resuming at step"));
    expect_same("whole", name);
  }
}

TEST_F(FitEnds, KilledTwiceInMidCacheAndStoppedOnceItComesToTheSameBits) {
  many_photos(1'300);  // train: two files of features for each view
  const auto arguments = [this](const std::string& name) {
    return this->arguments(name, {"--epochs", "1", "--batch-photos", "100"});
  };
  const Ended whole = run_train(arguments("whole"));
  EXPECT_EQ(whole.outcome, 0) << whole.output;
  const std::string features = folder_.file("parts.work/features.train.");
  const auto begun = [&](const std::string& part) {
    return test::Interrupt{.when = [path = features + part] { return fs::exists(path); }};
  };
  EXPECT_EQ(run_train(arguments("parts"), begun("1.0")).outcome, SIGKILL);
  EXPECT_TRUE(fs::exists(features + "0.0.key"));
  EXPECT_FALSE(fs::exists(features + "1.0.key"));
  const auto first_made = fs::last_write_time(features + "0.0");
  EXPECT_EQ(run_train(arguments("parts"), begun("0.1")).outcome, SIGKILL);
  test::Interrupt polite = begun("1.1");
  polite.signal = SIGINT;
  const Ended stopped = run_train(arguments("parts"), polite);
  EXPECT_THAT(stopped.outcome, testing::AnyOf(4, 0))
      << stopped.output;  // it may have been too fast
  EXPECT_TRUE(stopped.outcome == 0 ||
              stopped.output.find("the same command resumes there: ") != std::string::npos)
      << stopped.output;
  const Ended parts = run_train(arguments("parts"));
  EXPECT_EQ(parts.outcome, 0) << parts.output;
  EXPECT_EQ(fs::last_write_time(features + "0.0"), first_made);  // not made again
  expect_same("whole", "parts");
}

TEST_F(FitEnds, ItSelectsByTheScoreThatIsAskedFor) {
  FitOptions o = options("cider");
  o.select_by = SelectBy::cider;
  o.epochs = 4;
  o.patience = 4;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  std::ifstream curve(o.work + "/curve.csv");
  std::string line;
  std::getline(curve, line);
  double best = -1;
  while (std::getline(curve, line))
    best = std::max(best, std::stod(line.substr(line.rfind(',') + 1)));
  const auto checkpoint = SafetensorsFile::open(o.work + "/checkpoint.safetensors");
  ASSERT_TRUE(checkpoint);
  EXPECT_NEAR(std::stod(checkpoint->metadata().at("best_score")), best, 1e-4);
  EXPECT_THAT(checkpoint->metadata().at("ending"), HasSubstr("CIDEr-D"));
}

TEST_F(FitEnds, TheDevCaptionsOfEachScoreAreKept) {
  const FitOptions o = options("kept");
  ASSERT_TRUE(fit(o));
  std::ifstream curve(o.work + "/curve.csv");
  std::string line;
  std::getline(curve, line);
  int scores = 0;
  for (; std::getline(curve, line); ++scores) {
    std::istringstream fields(line);
    std::string stage, epoch, step;
    std::getline(fields, stage, ',');
    std::getline(fields, epoch, ',');
    std::getline(fields, step, ',');
    std::ifstream captions(o.work + "/captions/" + stage + "-" + step + ".jsonl");
    std::string first;
    ASSERT_TRUE(std::getline(captions, first));
    EXPECT_THAT(first, HasSubstr("\"id\":\"red0.bmp\""));
  }
  EXPECT_EQ(scores, 2);
  const auto dev = read_split({{}, {captions_}}, o.work + "/dev.txt");
  ASSERT_TRUE(dev);
  EXPECT_EQ(dev->size(), 12U);
}

TEST_F(FitEnds, ACurveOfAnEarlierVersionGoesOnInTodaysColumns) {
  FitOptions o = options("old");
  o.steps_max = 1;
  ASSERT_TRUE(fit(o));
  const std::string checkpoint = o.work + "/checkpoint.safetensors";
  auto tensors = load_tensors(checkpoint);
  ASSERT_TRUE(tensors);
  auto metadata = SafetensorsFile::open(checkpoint)->metadata();
  metadata["curve"] =
      "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds\ndecoder,0,0,0,1,0,0,0,0,1\n";
  for (const char* name : {"scored", "best_step", "best_epoch", "best_bleu4", "best_cider",
                           "loss_sum", "loss_count", "ending"})
    metadata.erase(name);
  for (auto& [name, tensor] : *tensors) tensor = tensor.clone();
  ASSERT_TRUE(save_tensors(checkpoint, *tensors, metadata));
  o.steps_max = 0;
  const Status status = fit(o);
  ASSERT_TRUE(status) << status.error().message;
  std::ifstream curve(o.work + "/curve.csv");
  std::stringstream text;
  text << curve.rdbuf();
  EXPECT_THAT(text.str(), AllOf(HasSubstr("seconds,cider\n"),
                                HasSubstr("decoder,0,0,0,1,0,0,0,0,1,\n"), Not(HasSubstr("nan"))));
}

TEST_F(FitEnds, AFileThatIsNotAnEncoderSaysHowToMakeOne) {
  FitOptions o = options("model");
  o.encoder = folder_.write("resnet.pth", "PK\3\4 and so on");
  EXPECT_THAT(why(o), AllOf(HasSubstr("resnet.pth: is a file of PyTorch"),
                            HasSubstr("photoscribe-train import " + o.encoder)));
  o.encoder = folder_.file("whole.safetensors");
  TensorMap whole = random_encoder("mobilenet_v2");
  whole.emplace("classifier.1.weight", at::zeros({10, 1'280}));
  ASSERT_TRUE(save_tensors(o.encoder, whole));
  EXPECT_THAT(why(o),
              AllOf(HasSubstr("is a whole state dict"), HasSubstr("photoscribe-train import")));
  ASSERT_TRUE(save_tensors(o.encoder, {{"decoder.word.bias", at::zeros({3})}}));
  EXPECT_THAT(why(o), AllOf(HasSubstr("holds a whole model"), HasSubstr("--start")));
  ASSERT_TRUE(save_tensors(o.encoder, random_encoder("resnet18")));
  EXPECT_THAT(why(o), AllOf(HasSubstr("whole.safetensors"), HasSubstr("--architecture")));
}

TEST_F(FitEnds, NoWordFiveTimesSaysWhichOptionKeepsRarerOnes) {
  FitOptions o = options("model");
  o.words.count_min = 5;
  o.splits.train = folder_.write("three.txt", "red0.bmp\ngreen0.bmp\n");
  EXPECT_THAT(why(o), HasSubstr("--words-count-min"));
}

TEST_F(FitEnds, PhotosThatDoNotDecodeAtAllAreAnError) {
  FitOptions o = options("model");
  for (int i = 0; i < 4; ++i)
    for (const char* kind : {"red", "green", "blue"})
      folder_.write(kind + std::to_string(i) + ".bmp", "no photo");
  EXPECT_THAT(why(o), HasSubstr("no photo to train on decodes there"));
}

class FullDisk : public FitEnds {};

TEST_F(FullDisk, IsRefusedInOneLineBeforeAPhotoIsRead) {
  const std::string work = folder_.file("small");
  fs::create_directory(work);
  auto disk = test::SmallDisk::over(work, 64);
  if (!disk) GTEST_SKIP() << "mounting a tmpfs is not allowed here: a full disk is NOT tested";
  FitOptions o = options("model");
  o.work = work;
  o.views = 3'000;  // 36,000 features of 2,560 bytes
  EXPECT_THAT(why(o), AllOf(HasSubstr(work + ": the features take 92.2 MB"),
                            HasSubstr("67.1 MB free"), HasSubstr("--features")));
  EXPECT_FALSE(fs::exists(work + "/features.train.0.0"));
  o.features = folder_.file("elsewhere");
  o.views = 2;
  EXPECT_TRUE(fit(o));
}

TEST_F(FullDisk, InMidCacheIsReportedAndItResumesWithWhatWasMade) {
  many_photos(1'100);
  const std::string work = folder_.file("small");
  fs::create_directory(work);
  auto disk = test::SmallDisk::over(work, 16);
  if (!disk) GTEST_SKIP() << "mounting a tmpfs is not allowed here: a full disk is NOT tested";
  ModelArchitecture model;
  model.input_side_px = kSide;
  at::manual_seed(3);
  const CachedFeatures wanted{{"mobilenet_v2", random_encoder("mobilenet_v2")}, model, 2, true};
  const auto photos = read_split({{folder_.path().string()}, {captions_}}, "");
  ASSERT_TRUE(photos) << photos.error().message;
  std::vector<std::string> paths;
  for (const CaptionedPhoto& photo : *photos) paths.push_back(photo.path);
  const auto open = [&](const FeatureCache::ProgressCallback& progress) {
    return FeatureCache::open_or_make(work + "/features", paths, wanted, progress);
  };
  bool filled = false;
  const auto full = open([&](std::int64_t /*done*/, std::int64_t /*all*/) {
    if (!std::exchange(filled, true)) disk->fill(64 * 1'024);
  });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::environment);
  EXPECT_THAT(full.error().message, AllOf(HasSubstr("No space left on device"),
                                          HasSubstr("make room"), HasSubstr("--features")));
  EXPECT_TRUE(fs::exists(work + "/features.0.0.key"));
  disk->make_room();
  std::int64_t least = 1'000'000;
  const auto whole =
      open([&](std::int64_t done, std::int64_t /*all*/) { least = std::min(least, done); });
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_GT(least, 1'024);  // the first file stayed
  EXPECT_TRUE(whole->usable(1'099));
}

}  // namespace
}  // namespace photoscribe
