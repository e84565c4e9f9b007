// What photoscribe-worker says to a person and to its parent, as a process.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/common/image/make_images.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  int status = -1;
  std::string output;  // both streams
};

/// Runs it by the shell; `arguments` are the test's own words.
Outcome run(const std::string& arguments) {
  const std::string command =
      "'" PHOTOSCRIBE_BIN_DIR "/photoscribe-worker' " + arguments + " 2>&1 </dev/null";
  Outcome outcome;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> chunk{};
  for (std::size_t got = 0; (got = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    outcome.output.append(chunk.data(), got);
  }
  const int ended = pclose(pipe);
  outcome.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  return outcome;
}

TEST(WorkerExecutable, AnswersUsageErrorsWithStatusTwo) {
  EXPECT_EQ(run("--no-such-option").status, 2);
  EXPECT_EQ(run("--model /nonexistent").status, 2) << "no server was named";
  EXPECT_EQ(run("--redis nonsense --model x --root a=/").status, 2);
  EXPECT_EQ(run("--help").status, 0);
}

TEST(WorkerExecutable, RefusesAPasswordOnItsCommandLineWithoutRepeatingIt) {
  const Outcome outcome = run("--redis redis://:hunter2@127.0.0.1:1/ --model x --root a=/");

  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("hunter2")));
}

TEST(WorkerExecutable, SaysWhatIsMissing) {
  const test::TempDir folder;
  const std::string server = "--redis unix:" + folder.file("none.sock");

  const Outcome no_root = run(server + " --model x --root photos=" + folder.file("none"));
  const Outcome no_model =
      run(server + " --root photos=/ --devices cpu --model " + folder.path().string());

  EXPECT_EQ(no_root.status, 3);
  EXPECT_THAT(no_root.output, HasSubstr("root photos="));
  EXPECT_EQ(no_model.status, 3);
  EXPECT_THAT(no_model.output, HasSubstr("model.yaml"));
}

TEST(WorkerExecutable, ObeysTheLimitsThatItIsTold) {
  const test::TempDir folder;
  const auto bytes = photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(64, 48));
  const std::string file = folder.write("a.jpg", std::string(bytes.begin(), bytes.end()));

  const Outcome pixels = run("blur --json --pixels-max 1000 '" + file + "'");
  const Outcome size = run("blur --json --file-bytes-max 100 '" + file + "'");

  EXPECT_THAT(pixels.output, HasSubstr("limits.pixels_max"));
  EXPECT_THAT(size.output, HasSubstr("limits.file_bytes_max"));
}

TEST(WorkerExecutable, ScoresPhotosWithoutAnyServer) {
  const test::TempDir folder;
  const auto bytes = photoscribe::testing::encode_jpeg(photoscribe::testing::sharp_picture(64, 48));
  const std::string file = folder.write("-rf.jpg", std::string(bytes.begin(), bytes.end()));

  const Outcome outcome = run("blur --json -- '" + file + "'");

  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto line = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(line["verdict"], "clear");
  EXPECT_EQ(run("blur -- '" + folder.file("none.jpg") + "'").status, 1);
}

}  // namespace
}  // namespace photoscribe
