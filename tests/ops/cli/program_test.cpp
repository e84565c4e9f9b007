#include "tests/ops/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/core/model_folder.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

/// A folder that reads as a model; nothing of it can be loaded.
std::string model_in(const test::TempDir& folder) {
  const std::string model = folder.file("model");
  std::filesystem::create_directory(model);
  std::ofstream(model + "/model.yaml") << to_yaml(ModelArchitecture(), SearchSettings());
  std::ofstream(model + "/vocab.txt") << "<pad>\n<start>\n<end>\n<unk>\na\n";
  std::ofstream(model + "/weights.safetensors") << "weights";
  return model;
}

TEST(Program, HelpsWithEveryVerb) {
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"run"},
                                               {"status"},
                                               {"export"},
                                               {"blur"},
                                               {"doctor"},
                                               {"config", "show"}}) {
    std::vector<std::string> words = verb;
    words.emplace_back("--help");

    const ChildOutput help = photoscribe(words);

    EXPECT_EQ(help.exit_status, 0) << verb[0];
    EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: photoscribe " + verb[0]), HasSubstr("Example"),
                                HasSubstr("--config FILE")));
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
  }
}

TEST(Program, TellsTheWorkerTheLimitsForBlur) {
  test::TempDir folder;
  const std::string worker = folder.write("worker", "#!/bin/sh\necho \"$@\"\n");
  std::filesystem::permissions(worker, std::filesystem::perms::owner_all);

  const ChildOutput output = photoscribe(
      {"blur", "a.jpg"},
      {"PHOTOSCRIBE_WORKER_EXECUTABLE=" + worker, "PHOTOSCRIBE_LIMITS_PIXELS_MAX=1000"});

  EXPECT_EQ(output.out, "blur --pixels-max 1000 --file-bytes-max 1073741824 a.jpg\n");
}

TEST(Program, SaysItsVersion) {
  const ChildOutput version = photoscribe({"--version"});

  EXPECT_EQ(version.exit_status, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("photoscribe [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Program, EndsWithTwoOnEveryWrongCommandLine) {
  test::TempDir folder;
  const std::string db = folder.file("none.db");
  std::ofstream(folder.file("bad.yaml")) << "blur:\n  blur_treshold: 3\n";
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "Usage: photoscribe"},
      {{"describe"}, "unknown verb describe; there are: run, submit"},
      {{"--verbose"}, "no verb"},
      {{"run", "--no-such-flag"}, "--no-such-flag"},
      {{"run", "-o", db}, "name a folder of photos"},
      {{"run", "--beam", "0", "/tmp"}, "--beam: 0 is below 1"},
      {{"run", "--workers", "-1", "/tmp"}, "--workers: -1 is below 0"},
      {{"run", "--blur-threshold", "low", "/tmp"}, "--blur-threshold: \"low\" is not a number"},
      {{"run", "--limit", "0", "/tmp"}, "--limit"},
      {{"run", "--config", folder.file("bad.yaml"), "/tmp"}, "bad.yaml:2: unknown key"},
      {{"status", db}, "no such database"},
      {{"export", db, "--format", "xml"}, "xml"},
      {{"export", db}, "no such database"},
      {{"blur"}, "files"},
      {{"config"}, "subcommand"},
      {{"dead"}, "subcommand"},
      {{"scheduler", db}, "--redis"},
      {{"worker"}, "--root"},
      {{"worker", "--root", "a=/tmp"}, "--redis"},
      {{"run", "--between", "22-6", "/tmp"}, "22:00-06:00"},
      {{"run", "--rate", "-1", "/tmp"}, "--rate: -1 is below 0"},
  };
  for (const auto& [words, message] : cases) {
    const ChildOutput output = photoscribe(words);

    EXPECT_EQ(output.exit_status, 2) << testing::PrintToString(words);
    EXPECT_THAT(output.err, HasSubstr(message));
    EXPECT_EQ(output.out, "");
  }
}

TEST(Program, RefusesAPasswordOnItsCommandLine) {
  const ChildOutput output = photoscribe({"run", "--redis", "redis://:hunter2@localhost", "/tmp"});

  EXPECT_EQ(output.exit_status, 2);
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"), Not(HasSubstr("hunter2"))));
}

TEST(Program, SaysWhereItLookedForAModel) {
  test::TempDir folder;

  const ChildOutput output =
      photoscribe({"run", "/tmp", "-o", folder.file("a.db"), "--model", folder.file("none")});

  EXPECT_EQ(output.exit_status, 3);
  EXPECT_THAT(output.err, AllOf(HasSubstr(folder.file("none")), HasSubstr("model.yaml")));
}

TEST(Program, TakesAFolderThatIsCalledLikeAVerb) {
  test::TempDir folder;
  const std::string photos = folder.file("status");
  std::filesystem::create_directory(photos);
  std::ofstream(photos + "/a.jpg") << "x";

  // Relative, so that the word is exactly a verb's.
  const Expected<ChildOutput> output =
      run_child({"env", "-C", folder.path(), program(), "run", "status", "--dry-run", "--json",
                 "-o", "a.db", "--model", model_in(folder)},
                std::chrono::seconds(20));

  ASSERT_TRUE(output);
  EXPECT_EQ(output->exit_status, 0) << output->err;
  EXPECT_EQ(json::parse(output->out)["total"], 1);
  EXPECT_FALSE(std::filesystem::exists(folder.file("a.db"))) << "a dry run must write nothing";
}

TEST(Program, ReportsAFailureAsJsonToo) {
  test::TempDir folder;

  const ChildOutput output = photoscribe({"run", folder.file("none"), "-o", folder.file("a.db"),
                                          "--json", "--dry-run", "--model", model_in(folder)});

  EXPECT_EQ(output.exit_status, 2) << output.err;
  EXPECT_EQ(json::parse(output.out)["exit_status"], 2);
  EXPECT_THAT(json::parse(output.out)["error"].get<std::string>(), HasSubstr("none"));
}

TEST(Program, ShowsTheSettingsInEffect) {
  test::TempDir folder;
  std::ofstream(folder.file("a.yaml")) << "search:\n  beam: 5\n";
  std::ifstream sample_file(PHOTOSCRIBE_SOURCE_DIR "/ops/config/photoscribe.yaml");
  std::ostringstream sample;
  sample << sample_file.rdbuf();

  const ChildOutput plain = photoscribe({"config", "show"});
  const ChildOutput changed =
      photoscribe({"config", "show"}, {"PHOTOSCRIBE_CONFIG=" + folder.file("a.yaml"),
                                       "PHOTOSCRIBE_LEASE_MS=60000", "PHOTOSCRIBE_BEAMS=3"});

  EXPECT_EQ(plain.out, sample.str());
  EXPECT_THAT(changed.out, HasSubstr("beam: 5  # from " + folder.file("a.yaml") + ":2\n"));
  EXPECT_THAT(changed.out, HasSubstr("lease_ms: 60000  # from PHOTOSCRIBE_LEASE_MS\n"));
  EXPECT_THAT(changed.err, HasSubstr("nothing reads PHOTOSCRIBE_BEAMS"));
}

TEST(Program, LinksNeitherLibTorchNorOpenCv) {
  const Expected<ChildOutput> libraries = run_child({"ldd", program()}, std::chrono::seconds(20));

  ASSERT_TRUE(libraries);
  ASSERT_THAT(libraries->out, HasSubstr("libc.so"));
  for (const char* const name : {"libtorch", "libc10", "libopencv", "libgif", "libjpeg"}) {
    EXPECT_THAT(libraries->out, Not(HasSubstr(name)));
  }
}

TEST(Program, BecomesTheWorkerForBlurScores) {
  test::TempDir folder;
  const std::string worker = folder.file("worker");
  std::ofstream(worker) << "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n";
  std::filesystem::permissions(worker, std::filesystem::perms::owner_all);

  const ChildOutput output = photoscribe({"blur", "--json", "a b.jpg", "--", "-c.jpg"},
                                         {"PHOTOSCRIBE_WORKER_EXECUTABLE=" + worker});

  EXPECT_EQ(output.exit_status, 7);
  EXPECT_EQ(output.out,
            "blur|--pixels-max|256000000|--file-bytes-max|1073741824|--json|a b.jpg|./-c.jpg|");
}

}  // namespace
}  // namespace photoscribe::cli
