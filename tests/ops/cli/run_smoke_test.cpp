// The whole path as a user takes it: photoscribe run, again, status, export. The hard cases are in
// tests/end_to_end; this is about what the verbs print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "scheduler/process/child_process.h"
#include "tests/ops/cli/program.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// A BMP of 64 x 64 pixels; noise is sharp, one grey is as blurred as can be.
std::string bmp(bool noise) {
  constexpr std::uint32_t kSide = 64, kHead = 54;
  std::string bytes(kHead + kSide * kSide * 3, '\x7f');
  const auto put = [&](std::size_t at, std::uint32_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  std::fill_n(bytes.begin(), kHead, '\0');
  bytes.replace(0, 2, "BM");
  put(2, static_cast<std::uint32_t>(bytes.size()), 4);
  put(10, kHead, 4);
  put(14, 40, 4);
  put(18, kSide, 4);
  put(22, kSide, 4);
  put(26, 1, 2);
  put(28, 24, 2);
  std::uint32_t state = 1;
  for (std::size_t i = kHead; noise && i < bytes.size(); ++i) {
    state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<char>(state >> 24);
  }
  return bytes;
}

void make_model(const std::string& folder) {
  const Expected<ChildOutput> made =
      run_child({PHOTOSCRIBE_BIN_DIR "/photoscribe-train", "init", "--output", folder},
                std::chrono::seconds(100));
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->exit_status, 0) << made->err;
}

TEST(RunSmoke, CaptionsAFolderAndFindsNothingLeftToDo) {
  test::TempDir folder;
  const std::string photos = folder.file("photos"), database = folder.file("a.db");
  std::filesystem::create_directory(photos);
  std::ofstream(photos + "/sharp.bmp") << bmp(true);
  std::ofstream(photos + "/b\xe9\n.bmp") << bmp(false);
  std::ofstream(photos + "/empty.jpg").flush();
  std::ofstream(photos + "/notes.txt") << "no photo";
  make_model(folder.file("model"));
  const std::vector<std::string> command{
      "run", photos, "-o", database, "--model", folder.file("model"), "--devices", "cpu"};

  const ChildOutput first = photoscribe(command);
  std::vector<std::string> as_json = command;
  as_json.emplace_back("--json");
  const ChildOutput second = photoscribe(as_json);
  const ChildOutput status = photoscribe({"status", database});
  const ChildOutput table = photoscribe({"export", database});

  EXPECT_EQ(first.exit_status, 1) << first.err;
  EXPECT_THAT(first.out, HasSubstr("Done: 3 photos in " + database));
  EXPECT_THAT(first.out, HasSubstr("empty  1   "));
  EXPECT_THAT(first.out, HasSubstr("1 file (.txt 1)"));
  EXPECT_THAT(first.err, Not(HasSubstr("\x1b"))) << "no live line on a pipe";
  EXPECT_EQ(second.exit_status, 1) << second.err;
  const json summary = json::parse(second.out);
  EXPECT_EQ(summary["nothing_to_do"], true);
  EXPECT_EQ(summary["done"], 1);
  EXPECT_EQ(summary["blurred"], 1);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_THAT(status.out, HasSubstr("3 photos: 1 captioned, 1 blurred, 1 failed, 0 to do"));
  EXPECT_THAT(table.out, HasSubstr("b\\xE9\\n.bmp"));
  EXPECT_THAT(table.out, HasSubstr("blurred: no caption"));
}

TEST(RunSmoke, SubmitSchedulerAndWorkerDoTheSameAsSeparateProcesses) {
  test::TempDir folder;
  test::RedisServer redis;
  const std::string photos = folder.file("photos"), database = folder.file("a.db");
  std::filesystem::create_directory(photos);
  std::ofstream(photos + "/sharp.bmp") << bmp(true);
  std::ofstream(photos + "/flat.bmp") << bmp(false);
  make_model(folder.file("model"));
  ChildCommand worker;
  worker.executable = program();
  worker.arguments = {"worker",
                      "--redis",
                      redis.url(),
                      "--root",
                      "photos=" + photos,
                      "--model",
                      folder.file("model"),
                      "--devices",
                      "cpu"};
  worker.log_file = folder.file("worker.log");
  Expected<ChildProcess> child = ChildProcess::spawn(worker);
  ASSERT_TRUE(child) << child.error().message;

  const ChildOutput submitted =
      photoscribe({"submit", photos, "-o", database, "--run", "day", "--model",
                   folder.file("model"), "--priority", "2", "--json"});
  const ChildOutput served =
      photoscribe({"scheduler", database, "--redis", redis.url(), "--once", "--json"});

  EXPECT_EQ(submitted.exit_status, 0) << submitted.err;
  EXPECT_EQ(json::parse(submitted.out)["photos"], 2);
  EXPECT_EQ(served.exit_status, 0) << served.err;
  EXPECT_EQ(json::parse(served.out)["photos"], 2);
  EXPECT_EQ(json::parse(served.out)["runs_finished"], 1);
  const json run = json::parse(photoscribe({"status", database, "--json"}).out)["runs"][0];
  EXPECT_EQ(run["run"], "day");
  EXPECT_EQ(run["done"], 1);
  EXPECT_EQ(run["blurred"], 1);
}

TEST(RunSmoke, AListComesBackWithOurColumnsAndATakeoutWithItsTexts) {
  test::TempDir folder;
  std::filesystem::create_directories(folder.file("photos"));
  std::filesystem::create_directories(folder.file("Takeout/Google Photos/2019"));
  std::ofstream(folder.file("photos/sharp.bmp")) << bmp(true);
  std::ofstream(folder.file("Takeout/Google Photos/2019/flat.bmp")) << bmp(false);
  std::ofstream(folder.file("Takeout/Google Photos/2019/flat.bmp.supplemental-metadata.json"))
      << R"({"title":"flat.bmp","description":"grey","photoTakenTime":{"timestamp":"86400"}})";
  const std::string list =
      folder.write("assets.csv", "asset;file;who\n7;sharp.bmp;Ana\n8;gone.bmp;Bo\n");
  make_model(folder.file("model"));
  const std::vector<std::string> command{"run",
                                         folder.file("Takeout"),
                                         "--list",
                                         list,
                                         "--root",
                                         folder.file("photos"),
                                         "-o",
                                         folder.file("a.db"),
                                         "--model",
                                         folder.file("model"),
                                         "--devices",
                                         "cpu",
                                         "--min-confidence",
                                         "0"};

  const ChildOutput first = photoscribe(command);
  const ChildOutput again = photoscribe(command);
  const ChildOutput joined =
      photoscribe({"export", folder.file("a.db"), "--join", list, "--root", folder.file("photos"),
                   "--columns", "state,reason,width"});
  const ChildOutput columns = photoscribe(
      {"export", folder.file("a.db"), "--columns", "path,state,taken_at,text,source,who"});

  EXPECT_EQ(first.exit_status, 1) << first.err;
  EXPECT_THAT(first.out, HasSubstr("missing  1"));
  EXPECT_THAT(first.out, HasSubstr("Google Takeout: dates, places and texts of 1 photo"));
  EXPECT_THAT(again.out, HasSubstr("Nothing was left to do"));
  EXPECT_EQ(joined.out,
            "asset;file;who;state;reason;width\n7;sharp.bmp;Ana;done;;64\n"
            "8;gone.bmp;Bo;failed;missing;\n");
  EXPECT_EQ(joined.err, "1 photo of the run in no row of " + list + ":\n  " +
                            folder.file("Takeout/Google Photos/2019/flat.bmp") + "\n");
  EXPECT_THAT(columns.out,
              HasSubstr("Google Photos/2019/flat.bmp,blurred,1970-01-02T00:00:00Z,grey,"
                        "Google Takeout,\r\n"));
}

}  // namespace
}  // namespace photoscribe::cli
