// export of chosen captions: alternative texts, data sets, shards, a page.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/scores/caption_file.h"
#include "ops/cli/export/chosen_caption.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

TEST(AltText, BeginsAndEndsAsASentenceAndIsCutBehindAWord) {
  const auto at = [](std::size_t max) { return AltTextStyle{max}; };
  EXPECT_EQ(alt_text("a dog runs", at(125)), "A dog runs.");
  EXPECT_EQ(alt_text("Stop!", at(125)), "Stop!");
  EXPECT_EQ(alt_text("  a\n dog  ", at(125)), "A dog.");
  EXPECT_EQ(alt_text("a dog runs on grass", at(12)), "A dog runs…");
  EXPECT_EQ(alt_text("a dog runs", at(11)), "A dog runs.");
  EXPECT_EQ(alt_text("a dog runs.", at(11)), "A dog runs.");
  EXPECT_EQ(alt_text("a dog, a cat", at(10)), "A dog, a…");
  EXPECT_EQ(alt_text("a dog, running", at(10)), "A dog…");
  EXPECT_EQ(alt_text("Donaudampfschiff", at(10)), "Donaudamp…");
  EXPECT_EQ(alt_text("ärger im hof", at(125)), "ärger im hof.");
  EXPECT_EQ(alt_text("", at(125)), "");
}

TEST(ChosenCaption, HumanTextComesFirstAndUnsureCaptionsAreLeftOut) {
  ResultRow row;
  row.state = "unsure";
  row.caption = "a dog";
  row.confidence = 0.4;
  ResultRow edited = row;
  edited.edited_caption = "Rex";
  EXPECT_FALSE(chosen_caption(row, {}));
  EXPECT_EQ(chosen_caption(row, {false, true, {}})->text, "a dog");
  EXPECT_EQ(chosen_caption(edited, {})->text, "Rex");
  EXPECT_TRUE(chosen_caption(edited, {false, false, 0.9})->edited);
  EXPECT_FALSE(chosen_caption(edited, {true, false, {}}));
  row.state = edited.state = "done";
  EXPECT_FALSE(chosen_caption(row, {false, false, 0.5}));
  EXPECT_EQ(chosen_caption(edited, {true, false, 0.3})->text, "a dog");
  edited.state = "blurred";
  edited.caption.reset();
  EXPECT_EQ(chosen_caption(edited, {})->text, "Rex");
}

class ExportCaptions : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    fs::create_directories(photos() / "sub");
    std::vector<FoundFile> files;
    for (const char* name : {"street.jpg", "sub/meadow.webp", "dark.jpg"}) {
      fs::copy_file(
          PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos/" + fs::path(name).filename().string(),
          photos() / name);
      struct stat there {};
      ::stat((photos() / name).c_str(), &there);
      FoundFile found = test::file(name, there.st_size);
      found.mtime_ns = std::int64_t{there.st_mtim.tv_sec} * 1'000'000'000 + there.st_mtim.tv_nsec;
      files.push_back(found);
    }
    Scan scan = test::must(store().begin_scan(run_, {{"photos", photos().string()}}, false));
    test::must(scan.add(files));
    test::must(scan.finish(std::vector<Scan::Walked>{{0, ""}}, {}));
    for (const Task& task : take()) {
      record({task.path == "dark.jpg" ? test::blurred(task)
                                      : test::captioned(task, "a dog, \"rex\", in " + task.path)});
    }
    store_.reset();
  }
  fs::path photos() const { return folder_.path() / "photos"; }

  ChildOutput exported(std::vector<std::string> words, int status = 0) {
    words.insert(words.begin(), {"export", database()});
    const ChildOutput out = photoscribe(words);
    EXPECT_EQ(out.exit_status, status) << out.out << out.err;
    return out;
  }
};

TEST_F(ExportCaptions, AltTextsAreCsvWithCounts) {
  const ChildOutput out = exported({"--format", "alt", "--max-chars", "20"});
  EXPECT_THAT(out.out, AllOf(HasSubstr("uri,alt\r\n"),
                             HasSubstr("street.jpg,\"A dog, \"\"rex\"\", in…\"\r\n")));
  EXPECT_THAT(out.err, HasSubstr("2 texts, 1 photo without one"));
}

TEST_F(ExportCaptions, OptionsOfAnotherFormatAreRefused) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{"--format", "csv", "--max-chars", "50"}, "--max-chars is for --format alt and txt"},
      {{"--format", "alt", "--layout", "coco"}, "--layout is for --format dataset"},
      {{"--format", "dataset", "--shard-size", "9"}, "--shard-size is for --format webdataset"},
      {{"--format", "jsonl", "--sidecars"}, "--sidecars is for --format alt"},
      {{"--format", "xmp", "--sidecars"}, "--sidecars is for --format alt"}};
  for (const auto& [words, why] : wrong) EXPECT_THAT(exported(words, 2).err, HasSubstr(why));
}

TEST_F(ExportCaptions, DataSetsAreReadBackByOurOwnReaders) {
  for (const char* layout : {"coco", "karpathy", "flickr8k"}) {
    const std::string file = folder_.file(std::string(layout) + "_dataset");
    exported({"--format", "dataset", "--layout", layout, "-o", file});
    std::vector<std::string> captions;
    const auto read = read_caption_file(file, [&](const FileCaption& one) {
      captions.emplace_back(one.caption);
      return Status();
    });
    ASSERT_TRUE(read) << layout << read.error().message;
    EXPECT_THAT(captions,
                ElementsAre("a dog, \"rex\", in street.jpg", "a dog, \"rex\", in sub/meadow.webp"))
        << layout;
    const ChildOutput scored =
        photoscribe({"score", "--hypotheses", file, "--references", file, "--json"});
    EXPECT_EQ(scored.exit_status, 0) << layout << scored.err;
    EXPECT_THAT(scored.out, HasSubstr("\"rouge_l\":1.0")) << layout;
  }
}

TEST_F(ExportCaptions, NamesWithAHashAreInFlickrsTokens) {
  reopen();
  Scan scan = test::must(store().begin_scan(run_, {{"photos", photos().string()}}, false));
  test::must(
      scan.add(std::vector{test::file("a#1.jpg"), test::file("#.jpg"), test::file("b#c#d.jpg")}));
  test::must(scan.finish({}, {}));
  std::vector<Result> results;
  for (const Task& task : take()) results.push_back(test::captioned(task, "of " + task.path));
  record(results);
  store_.reset();
  const std::string out = folder_.file("tokens");
  exported({"--format", "dataset", "--layout", "flickr8k", "-o", out});
  std::vector<std::string> names;
  const auto read = read_caption_file(out, [&](const FileCaption& one) {
    EXPECT_EQ(one.caption.find("of "), one.id.starts_with("s") ? std::string_view::npos : 0)
        << one.id;
    names.emplace_back(one.id);
    return Status();
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(names, testing::IsSupersetOf({"a#1.jpg", "#.jpg", "b#c#d.jpg"}));
}

TEST_F(ExportCaptions, ShardsAreTarArchivesWithThePhotos) {
  const std::string folder = folder_.file("shards");
  exported({"--format", "webdataset", "--shard-size", "1", "-o", folder});
  ASSERT_TRUE(fs::exists(folder + "/shard-000001.tar"));
  const auto listed =
      run_child({"tar", "-tvf", folder + "/shard-000000.tar"}, std::chrono::seconds(20));
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->exit_status, 0) << listed->err;
  EXPECT_THAT(listed->out, AllOf(HasSubstr(".jpg"), HasSubstr(".txt"), HasSubstr(".json")));
  const auto out = run_child({"tar", "-xf", folder + "/shard-000000.tar", "-C", folder},
                             std::chrono::seconds(20));
  ASSERT_EQ(out->exit_status, 0) << out->err;
  const auto bytes = [](const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  int photos_seen = 0;
  for (const auto& one : fs::directory_iterator(folder)) {
    if (one.path().extension() != ".jpg") continue;
    ++photos_seen;
    EXPECT_EQ(bytes(one.path()), bytes(photos() / "street.jpg"));
    fs::path about = one.path();
    EXPECT_EQ(json::parse(bytes(about.replace_extension(".json")))["path"], "street.jpg");
  }
  EXPECT_EQ(photos_seen, 1);
  std::ofstream(photos() / "street.jpg", std::ios::app) << "x";
  EXPECT_THAT(exported({"--format", "webdataset", "-o", folder}, 1).err,
              HasSubstr("changed since it was captioned"));
  exported({"--format", "webdataset"}, 2);
}

TEST_F(ExportCaptions, ThePageEscapesWhatItShows) {
  const ChildOutput out = exported({"--format", "html"});
  EXPECT_THAT(out.out, AllOf(HasSubstr("alt=\"a dog, &quot;rex&quot;, in street.jpg\""),
                             HasSubstr("src=\"file:///"), Not(HasSubstr("<script"))));
}

}  // namespace
}  // namespace photoscribe::cli
