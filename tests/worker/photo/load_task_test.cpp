#include "worker/photo/load_task.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "common/image/photo.h"
#include "tests/common/image/make_images.h"
#include "tests/support/blur_scores.h"
#include "tests/support/temp_dir.h"
#include "worker/commands/blur_command.h"
#include "worker/commands/thumbnail_command.h"

namespace photoscribe {
namespace {

using photoscribe::testing::Bytes;

class LoadTask : public ::testing::Test {
 protected:
  LoadTask() { roots.emplace("photos", *PhotoRoot::open("photos", folder.path().string())); }
  void put(const std::string& name, const Bytes& bytes) {
    folder.write(name, std::string(bytes.begin(), bytes.end()));
  }
  LoadOutcome load(const std::string& path, const std::string& root = "photos") {
    Task task;
    task.root = root;
    task.path = path;
    task.attempt = attempt;
    return load_task(
        task, spec, roots, 32, buffer, [this] { ++decodes; }, ask_seen());
  }
  AskSeen ask_seen() {
    if (!find_seen) return {};
    return [this](const ContentHash& hash) -> SeenAnswer {
      return [this, hash] { return find_seen(hash); };
    };
  }
  std::string reason(const std::string& path, const std::string& root = "photos") {
    const auto outcome = load(path, root);
    const auto* failed = std::get_if<LoadFailed>(&outcome);
    return failed == nullptr ? "none" : std::string(to_string(failed->failed.reason));
  }

  test::TempDir folder;
  Roots roots;
  RunSpec spec;
  FileBuffer buffer;
  int decodes = 0;
  std::int32_t attempt = 1;
  std::function<std::optional<Result>(const ContentHash&)> find_seen;
};

// Ten threads that read from a slow disk take ten times as long as one, and none of them hangs.
TEST_F(LoadTask, Issue17SaysThatTheReadingOfALargeFileGetsOn) {
  folder.write("large.jpg", std::string((std::size_t{9} << 20) + 1, 'x'));
  folder.write("small.jpg", std::string(std::size_t{4} << 20, 'x'));
  int times = 0;
  buffer.report_progress_to([&times] { ++times; });

  EXPECT_EQ(reason("small.jpg"), "not_an_image");
  EXPECT_EQ(times, 0);
  EXPECT_EQ(reason("large.jpg"), "not_an_image");
  EXPECT_EQ(times, 2);
}

TEST_F(LoadTask, Issue13SaysThatARawFilesPreviewWasTaken) {
  photoscribe::testing::RawOptions raw;
  raw.preview = photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(120, 90));
  put("a.nef", photoscribe::testing::encode_raw(raw));
  put("a.jpg", raw.preview);
  Job job;

  EXPECT_TRUE(begin_result(job, std::get<LoadedPhoto>(load("a.nef"))).preview);
  EXPECT_FALSE(begin_result(job, std::get<LoadedPhoto>(load("a.jpg"))).preview);
  CopiedPhoto copied;
  copied.found.preview = true;
  EXPECT_TRUE(result_of(job, copied).preview);
}

TEST_F(LoadTask, MakesTheNetworksInputOfAClearPhoto) {
  put("a.jpg", photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(120, 90)));

  const auto outcome = load("a.jpg");

  const auto& photo = std::get<LoadedPhoto>(outcome);
  EXPECT_GT(photo.blur_scores.of(spec.settings.blur.mode), spec.settings.blur.blur_threshold);
  EXPECT_EQ(photo.width_px, 120);
  EXPECT_EQ(photo.height_px, 90);
  ASSERT_TRUE(photo.network_input);
  EXPECT_EQ(photo.network_input->pixels.size(), 32U * 32U * 3U);
  EXPECT_EQ(decodes, 1);
}

/// What another photo with the bytes of a.jpg got.
class LoadCopy : public LoadTask {
 protected:
  LoadCopy() {
    put("a.jpg", bytes);
    known.image_id = 12;
    known.outcome = Captioned{Caption{"a dog", -2, 2}};
    known.blur_scores = test::every_mode(150);
    find_seen = [this](const ContentHash& hash) -> std::optional<Result> {
      ++asked;
      if (hash == sha256_of(bytes.data(), bytes.size())) return known;
      return std::nullopt;
    };
  }
  const Bytes bytes =
      photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(120, 90));
  Result known;
  int asked = 0;
};

TEST_F(LoadCopy, TakesTheResultOfThePhotoWithTheSameBytes) {
  const auto outcome = load("a.jpg");

  const auto& photo = std::get<CopiedPhoto>(outcome);
  EXPECT_EQ(photo.found.image_id, 12);
  EXPECT_EQ(std::get<Captioned>(photo.found.outcome).caption.text, "a dog");
  EXPECT_EQ(photo.content_hash, sha256_of(bytes.data(), bytes.size()));

  put("b.jpg", photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(90, 90)));
  EXPECT_TRUE(std::holds_alternative<LoadedPhoto>(load("b.jpg"))) << "other bytes";
}

TEST_F(LoadCopy, JudgesByTheRunsOwnRule) {
  spec.settings.blur.blur_threshold = 200;
  EXPECT_TRUE(std::holds_alternative<Blurred>(std::get<CopiedPhoto>(load("a.jpg")).found.outcome));
  spec.settings.blur.blur_threshold = 100;
  known.outcome = Blurred{};  // judged by another rule, and never captioned
  EXPECT_TRUE(std::holds_alternative<LoadedPhoto>(load("a.jpg")));
  known.blur_scores.reset();
  EXPECT_TRUE(std::holds_alternative<LoadedPhoto>(load("a.jpg")));
}

TEST_F(LoadCopy, DoesAPhotoAnewThatIsAskedForAgain) {
  attempt = 2;
  const auto outcome = load("a.jpg");
  EXPECT_EQ(std::get<LoadedPhoto>(outcome).content_hash, sha256_of(bytes.data(), bytes.size()));
  EXPECT_EQ(asked, 0);
}

// It is measured sooner than Redis answers.
TEST_F(LoadCopy, AsksForASmallPhotoOnlyIfItIsClear) {
  const Bytes clear = photoscribe::testing::encode_png(photoscribe::testing::sharp_picture(8, 8));
  const Bytes soft = photoscribe::testing::encode_png(photoscribe::testing::smooth_picture(16, 16));
  ASSERT_LT(std::max(clear.size(), soft.size()), 4'096U);
  put("clear.png", clear);
  put("soft.png", soft);
  find_seen = [this](const ContentHash&) -> std::optional<Result> {
    ++asked;
    return known;
  };

  EXPECT_FALSE(std::get<LoadedPhoto>(load("soft.png")).network_input);
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(std::holds_alternative<CopiedPhoto>(load("clear.png")));
  EXPECT_EQ(asked, 1);
}

TEST_F(LoadCopy, Issue17AsksAndDoesNotWait) {
  put("small.png", photoscribe::testing::encode_png(photoscribe::testing::sharp_picture(8, 8)));
  put("soft.png", photoscribe::testing::encode_png(photoscribe::testing::smooth_picture(16, 16)));
  ASSERT_GT(std::filesystem::file_size(folder.file("a.jpg")), 4'096U);
  std::map<std::string, FileBuffer> buffers;
  std::map<std::string, Task> tasks;
  const auto begun = [&](const std::string& path) {
    tasks[path].root = "photos";
    tasks[path].path = path;
    const auto count = [this] { ++decodes; };
    return begin_load(tasks[path], spec, roots, 32, buffers[path], count, ask_seen());
  };

  const LoadStep large = begun("a.jpg");
  EXPECT_EQ(decodes, 0) << "it may not be needed";
  const LoadStep small = begun("small.png");
  EXPECT_EQ(decodes, 1);
  EXPECT_TRUE(std::holds_alternative<LoadOutcome>(begun("soft.png")));
  EXPECT_EQ(decodes, 2);
  EXPECT_EQ(asked, 0) << "nobody waited for an answer";

  tasks.clear();
  const OnDecode count = [this] { ++decodes; };
  const LoadOutcome first = std::get<Unanswered>(large).go_on(count);
  EXPECT_EQ(std::get<CopiedPhoto>(first).found.image_id, 12);
  const LoadOutcome second = std::get<Unanswered>(small).go_on(count);
  EXPECT_TRUE(std::get<LoadedPhoto>(second).network_input);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(decodes, 2);
}

TEST_F(LoadCopy, LooksAtItsLookOnlyWhereTheRunAsks) {
  find_seen = {};
  EXPECT_FALSE(std::get<LoadedPhoto>(load("a.jpg")).perceptual_hash);
  spec.settings.near_duplicates = 4;
  EXPECT_TRUE(std::get<LoadedPhoto>(load("a.jpg")).perceptual_hash);
}

TEST_F(LoadTask, MakesNoInputOfABlurredPhoto) {
  put("b.png", photoscribe::testing::encode_png(photoscribe::testing::smooth_picture(100, 100)));

  const auto outcome = load("b.png");

  const auto& photo = std::get<LoadedPhoto>(outcome);
  EXPECT_LT(photo.blur_scores.of(spec.settings.blur.mode), spec.settings.blur.blur_threshold);
  EXPECT_FALSE(photo.network_input);
}

TEST_F(LoadTask, GivesEachFailureItsReason) {
  const Bytes jpeg = photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(80, 80));
  put("cut.jpg", Bytes(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(jpeg.size() / 2)));
  put("empty.jpg", {});
  put("text.jpg", Bytes(100, 'x'));
  put("bomb.png", photoscribe::testing::png_bomb(60'000, 60'000));

  EXPECT_EQ(reason("cut.jpg"), "truncated");
  EXPECT_EQ(reason("empty.jpg"), "empty");
  EXPECT_EQ(reason("text.jpg"), "not_an_image");
  EXPECT_EQ(reason("bomb.png"), "too_large");
  EXPECT_EQ(reason("none.jpg"), "missing");
  EXPECT_EQ(reason("../../etc/passwd"), "outside_root");
  EXPECT_EQ(reason("cut.jpg", "another root"), "outside_root");
}

TEST_F(LoadTask, GivesTheTaskBackWhenTheRootIsGone) {
  const std::string mounted = folder.file("mounted");
  std::filesystem::create_directory(mounted);
  roots.insert_or_assign("photos", *PhotoRoot::open("photos", mounted));
  std::filesystem::remove(mounted);

  const auto outcome = load("a.jpg");

  ASSERT_TRUE(std::holds_alternative<Fault>(outcome));
  EXPECT_EQ(std::get<Fault>(outcome).of, FaultOf::storage);
}

TEST_F(LoadTask, MakesThumbnailsInTheProportionsOfThePhotos) {
  put("wide.jpg", photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(600, 300)));
  put("bad.jpg", Bytes(10, 'x'));
  ThumbnailCommand command;
  command.files = {folder.file("wide.jpg"), folder.file("bad.jpg"), folder.file("absent.jpg")};
  command.output = folder.path();
  command.side_px = 120;

  EXPECT_EQ(run_thumbnail_command(command), 0);

  FileBuffer written;
  const auto everything = PhotoRoot::open("files", "/");
  const auto bytes = written.read(*everything, folder.file("0.jpg").substr(1), 1 << 20);
  ASSERT_TRUE(bytes);
  const auto measured = measure_photo(*bytes, BlurSettings(), DecodeLimits());
  ASSERT_TRUE(measured);
  EXPECT_EQ(measured->width_px, 120);
  EXPECT_EQ(measured->height_px, 60);
  EXPECT_FALSE(std::filesystem::exists(folder.file("1.jpg")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("2.jpg")));
  command.output = folder.file("no such folder");
  EXPECT_EQ(run_thumbnail_command(command), 3);
}

TEST_F(LoadTask, ScoresFilesForPeopleAndMachines) {
  put("sharp.jpg", photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(64, 48)));
  put("bad\n\xff.jpg", Bytes(10, 'x'));
  BlurCommand command;
  command.files = {folder.file("sharp.jpg"), folder.file("bad\n\xff.jpg")};
  std::ostringstream text, json;

  EXPECT_EQ(run_blur_command(command, text), 1) << "one of them failed";
  command.json = true;
  EXPECT_EQ(run_blur_command(command, json), 1);

  EXPECT_THAT(text.str(), ::testing::HasSubstr("clear"));
  EXPECT_THAT(text.str(), ::testing::HasSubstr("not_an_image"));
  std::istringstream lines(json.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  const auto good = nlohmann::json::parse(line);
  EXPECT_EQ(good["file"], command.files[0]);
  EXPECT_EQ(good["verdict"], "clear");
  EXPECT_EQ(good["width"], 64);
  EXPECT_FALSE(good.contains("path_base64"));
  ASSERT_TRUE(std::getline(lines, line));
  const auto bad = nlohmann::json::parse(line);
  EXPECT_EQ(bad["reason"], "not_an_image");
  EXPECT_TRUE(bad.contains("path_base64"));
  command.files.pop_back();
  EXPECT_EQ(run_blur_command(command, json), 0);
}

}  // namespace
}  // namespace photoscribe
