// Reported: verbs whose standard output was full or closed said nothing and exited with 0. Every
// verb ends with status 3 and one line; a reader that left is no fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/core/model_folder.h"
#include "tests/ops/cli/program.h"
#include "tests/support/temp_dir.h"

namespace photoscribe::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class StandardOutput : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string model = folder_.file("model");
    for (const char* name : {"model", "p"}) std::filesystem::create_directory(folder_.file(name));
    std::ofstream(model + "/model.yaml") << to_yaml(ModelArchitecture(), SearchSettings());
    std::ofstream(model + "/vocab.txt") << "<pad>\n<start>\n<end>\n<unk>\na\n";
    std::ofstream(model + "/weights.safetensors") << "weights";
    folder_.write("h.jsonl", "{\"id\":\"a.jpg\",\"caption\":\"a dog\"}\n");
    folder_.write("r.txt", "a.jpg#0\ta dog runs\n");
    ASSERT_EQ(with("", kRun).exit_status, 0);
  }
  /// The program under `sh -c`, with `redirection` behind it.
  [[nodiscard]] ChildOutput with(const std::string& redirection,
                                 const std::vector<std::string>& words) const {
    const std::string script = "cd " + folder_.path().string() +
                               " && PHOTOSCRIBE_WORKER_EXECUTABLE=/bin/true "
                               "PHOTOSCRIBE_MODEL=model exec \"$0\" \"$@\" " +
                               redirection;
    std::vector<std::string> all{"sh", "-c", script, program()};
    all.insert(all.end(), words.begin(), words.end());
    return run_child(all, std::chrono::seconds(50)).value_or(ChildOutput{"", "", -1});
  }
  const std::vector<std::string> kRun{"run", "p", "-o", "a.db", "--no-progress"};
  const std::vector<std::vector<std::string>> kVerbs{
      {"--version"},
      {"--help"},
      {"run", "--help"},
      kRun,
      {"run", "p", "-o", "a.db", "--no-progress", "--json"},
      {"run", "--dry-run", "p", "-o", "a.db", "--no-progress"},
      {"submit", "p", "-o", "a.db"},
      {"status", "a.db"},
      {"status", "a.db", "--json"},
      {"pause", "a.db"},
      {"dead", "ls", "a.db"},
      {"dead", "ls", "a.db", "--json"},
      {"export", "a.db"},
      {"export", "a.db", "--format", "csv", "-o", "/dev/stdout"},
      {"report", "a.db"},
      {"report", "a.db", "--json"},
      {"report", "a.db", "--html", "-"},
      {"score", "--hypotheses", "h.jsonl", "--references", "r.txt"},
      {"score", "--hypotheses", "h.jsonl", "--references", "r.txt", "--json", "--per-item"},
      {"doctor", "--json"},
      {"config", "show"}};
  test::TempDir folder_;
};

TEST_F(StandardOutput, ThatIsFullEndsEveryVerbWithStatusThreeAndOneLine) {
  for (const auto& words : kVerbs) {
    const ChildOutput output = with(">/dev/full", words);

    EXPECT_EQ(output.exit_status, 3) << testing::PrintToString(words);
    EXPECT_THAT(output.err, EndsWith("standard output: No space left on device\n"))
        << testing::PrintToString(words);
    EXPECT_EQ(output.err.find("standard output"), output.err.rfind("standard output"));
  }
}

TEST_F(StandardOutput, ThatIsClosedIsSaidAndNoFileIsTakenForIt) {
  for (const auto& words : kVerbs) {
    const ChildOutput output = with(">&-", words);

    EXPECT_EQ(output.exit_status, 3) << testing::PrintToString(words);
    EXPECT_THAT(output.err, EndsWith("standard output: is closed\n"))
        << testing::PrintToString(words);
  }
  EXPECT_EQ(with("", {"status", "a.db"}).exit_status, 0) << "was printed into the database";
}

TEST_F(StandardOutput, WhoseReaderLeftIsNoFault) {
  for (const char* const pipe : {"2>err | true", "2>err | head -1"}) {
    for (const auto& words : kVerbs) {
      // As Python and systemd start programs: then writes fail with EPIPE and nothing is killed.
      const std::string script = "trap '' PIPE; cd " + folder_.path().string() +
                                 "; PHOTOSCRIBE_WORKER_EXECUTABLE=/bin/true "
                                 "PHOTOSCRIBE_MODEL=model \"$0\" \"$@\" " +
                                 pipe + "; cat err";
      std::vector<std::string> all{"sh", "-c", script, program()};
      all.insert(all.end(), words.begin(), words.end());

      const auto output = run_child(all, std::chrono::seconds(50));

      ASSERT_TRUE(output);
      EXPECT_THAT(output->out, Not(HasSubstr("standard output"))) << testing::PrintToString(words);
      EXPECT_THAT(output->out, Not(HasSubstr("Broken pipe"))) << testing::PrintToString(words);
    }
  }
}

TEST_F(StandardOutput, OfAUsageErrorChangesNothing) {
  EXPECT_EQ(with(">/dev/full", {"status", "none.db", "--json"}).exit_status, 2);
}

#ifdef PHOTOSCRIBE_HAS_WORKER
/// Their own words: what they print goes the same way.
TEST_F(StandardOutput, OfWorkerAndTrainerIsTheSame) {
  for (const char* const program : {"photoscribe-worker", "photoscribe-train"}) {
    for (const char* const flag : {"--help", "inspect --help", "blur --help"}) {
      const std::string script =
          std::string(PHOTOSCRIBE_BIN_DIR "/") + program + " " + flag + " >/dev/full";
      const auto output = run_child({"sh", "-c", script}, std::chrono::seconds(50));

      ASSERT_TRUE(output);
      if (output->exit_status == 2) continue;  // a verb of the other program
      EXPECT_EQ(output->exit_status, 3) << script;
      EXPECT_EQ(output->err, std::string(program) + ": standard output: No space left on device\n");
    }
  }
}
#endif

}  // namespace
}  // namespace photoscribe::cli
