#include "ops/cli/run/run_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace photoscribe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kCommand{"photoscribe", "run", "my photos", "-o", "a.db"};

RunSummary finished_run() {
  RunSummary s;
  s.run = "default";
  s.database = "a.db";
  s.total = 1000;
  s.done = s.done_now = 900;
  s.blurred = s.blurred_now = 88;
  s.failed = s.failed_now = 12;
  s.added = 1000;
  s.failures = {{"truncated", 11, "/p/2008/half\n.jpg", "premature end of JPEG", {}},
                {"timeout", 1, "/p/caf\xe9.jpg", "", {}}};
  s.skipped = {{".mov", 30}, {"", 2}};
  s.wall_s = 14;
  s.captioning_s = 12;
  s.photos_per_s = 83.3;
  return s;
}

std::string text_of(const RunSummary& s, const std::vector<std::string>& command = kCommand) {
  return summary_text(s, BlurSettings(), command, Ink(false));
}

TEST(RunSummary, ListsCountsReasonsAndWhatToDoNext) {
  const std::string text = text_of(finished_run());

  EXPECT_THAT(text, HasSubstr("Done: 1,000 photos in a.db.\n"));
  EXPECT_THAT(text, HasSubstr("  captioned     900\n"));
  EXPECT_THAT(text, HasSubstr("  blurred        88   full score below 100, no caption\n"));
  EXPECT_THAT(text, HasSubstr("  failed         12\n"));
  EXPECT_THAT(text, HasSubstr("  truncated  11   /p/2008/half\\n.jpg: premature end of JPEG\n"));
  EXPECT_THAT(text, HasSubstr("  timeout     1   /p/caf\\xE9.jpg\n"));
  EXPECT_THAT(text, HasSubstr("32 files (.mov 30, no extension 2)"));
  EXPECT_THAT(text, HasSubstr("1,000 photos in 14 s, 83 photos/s"));
  EXPECT_THAT(text, HasSubstr("photoscribe export a.db"));
  EXPECT_THAT(
      text, HasSubstr("photoscribe retry a.db --reason timeout   # the cause may be gone by now"));
  EXPECT_THAT(text, Not(HasSubstr("BLEU")));
}

TEST(RunSummary, ReportsPhotosPerCoreHourIfWorkersReportedTheirTime) {
  RunSummary s = finished_run();
  EXPECT_THAT(text_of(s), Not(HasSubstr("core-hour")));
  s.work = {2'000, 40};  // of 1,000 photos of this run: the workers serve another one, too

  EXPECT_THAT(text_of(s), HasSubstr("; 180,000 photos per core-hour\n"));
  const nlohmann::json object = nlohmann::json::parse(summary_json(s, BlurSettings(), 0));
  EXPECT_EQ(object["workers_cpu_s"], 40);
  EXPECT_EQ(object["photos_per_core_hour"], 180'000);
}

TEST(RunSummary, CountsUnsupportedPhotosByFormat) {
  RunSummary s = finished_run();
  s.failures = {
      {"unsupported", 12, "/p/a.jxl", "JPEG XL is not supported", {{"JPEG XL", 11}, {"TIFF", 1}}}};

  EXPECT_THAT(text_of(s), HasSubstr("(JPEG XL 11, TIFF 1)\n"));
}

RunSummary run_that_timed_out() {
  RunSummary s = finished_run();
  s.failures = {{"timeout", 12, "/p/a.jpg", "", {}}};
  return s;
}

TEST(RunSummary, AdvisesAnotherAttemptOnlyWhereOneMayHelp) {
  RunSummary s = run_that_timed_out();
  EXPECT_THAT(text_of(s), HasSubstr("photoscribe run --retry-failed 'my photos' -o a.db"));
  for (const char* const reason : {"truncated", "not_an_image", "unsupported", "empty",
                                   "outside_root", "too_large", "not_a_file"}) {
    s.failures = {{reason, 12, "/p/a.jpg", "", {}}};
    EXPECT_THAT(text_of(s), Not(HasSubstr("retry"))) << reason;
  }
}

TEST(RunSummary, SaysWhatCouldNotBeLookedAt) {
  RunSummary s = finished_run();
  s.end = RunEnd::incomplete;
  s.failed = 0;
  s.failures.clear();
  s.not_seen = {{"/p/lo\ncked", "Permission denied"}, {"/p/l\xff", "2 links that lead to /s", 2}};
  s.not_seen_count = 7;

  const std::string text = text_of(s);
  const nlohmann::json object =
      nlohmann::json::parse(summary_json(s, BlurSettings(), exit_status_of(s)));

  EXPECT_THAT(text, HasSubstr("Done, except for what could not be read: 1,000 photos in a.db.\n"));
  EXPECT_THAT(text, HasSubstr("Not looked at: 7 "));
  EXPECT_THAT(text, HasSubstr("  /p/lo\\ncked: Permission denied\n"));
  EXPECT_THAT(text, HasSubstr("  … and 4 more\n"));
  EXPECT_EQ(object["end"], "incomplete");
  EXPECT_EQ(object["exit_status"], 1);
  EXPECT_EQ(object["not_seen"]["count"], 7);
  EXPECT_EQ(object["not_seen"]["examples"][0]["why"], "Permission denied");
  EXPECT_EQ(object["not_seen"]["examples"][1]["path_base64"], "L3AvbP8=");
}

TEST(RunSummary, CountsUnsureCaptionsAsFinishedAndNotAsFailed) {
  RunSummary s = finished_run();
  s.done = s.done_now = 850;
  s.unsure = s.unsure_now = 62;
  s.failed = s.failed_now = 0;
  s.failures.clear();
  s.min_confidence = 0.43;

  EXPECT_EQ(exit_status_of(s), 0);
  EXPECT_THAT(text_of(s), HasSubstr("  unsure         62   right with a probability below 0.43: "
                                    "caption kept, not shown\n  blurred "));
  EXPECT_THAT(text_of(s), HasSubstr("1,000 photos in 14 s"));
  EXPECT_THAT(text_of(s), HasSubstr("photoscribe export a.db --state unsure"));
  EXPECT_THAT(text_of(finished_run()), Not(HasSubstr("unsure   ")));
  const auto object = nlohmann::json::parse(summary_json(s, BlurSettings(), 0));
  EXPECT_EQ(object["unsure"], 62);
  EXPECT_EQ(object["unsure_now"], 62);
  EXPECT_EQ(object["min_confidence"], 0.43);
}

TEST(RunSummary, SaysThatNothingWasLeftToDo) {
  RunSummary s = finished_run();
  s.nothing_to_do = true;
  s.done_now = s.blurred_now = s.failed_now = 0;
  s.added = 0;

  EXPECT_THAT(text_of(s), testing::StartsWith("Nothing was left to do: 1,000 photos in a.db.\n"));
  EXPECT_THAT(text_of(s), Not(HasSubstr("photos/s")));
}

TEST(RunSummary, ShowsBleuOnTheScaleOfAHundred) {
  RunSummary s = finished_run();
  s.bleu = BleuSummary{{0.585, 0.406, 0.273, 0.1812}, 890, 10};

  EXPECT_THAT(text_of(s), HasSubstr("BLEU-1 58.5   BLEU-2 40.6   BLEU-3 27.3   BLEU-4 18.1   over "
                                    "890 captioned photos\n"));
  EXPECT_THAT(text_of(s), HasSubstr("10 captioned photos without references"));
}

TEST(RunSummary, DoesNotAdviseToRedoAgainWhenARunWasStopped) {
  RunSummary s = finished_run();
  s.end = RunEnd::stopped;
  s.pending = 300;
  std::vector<std::string> command = kCommand;
  command.emplace_back("--redo");

  EXPECT_THAT(text_of(s, command), HasSubstr("Stopped: 300 of 1,000 photos still to do"));
  EXPECT_THAT(text_of(s, command), HasSubstr("  photoscribe run 'my photos' -o a.db   #"));
  EXPECT_THAT(text_of(s, command), Not(HasSubstr("--redo")));
}

TEST(RunSummary, AdvisesAfterADryRunWhatWasCounted) {
  RunSummary s = finished_run();
  s.dry_run = true;
  const std::vector<std::string> command{"photoscribe", "run", "a", "--redo", "--dry-run"};

  EXPECT_THAT(text_of(s, command), HasSubstr("\n  photoscribe run a --redo\n"));
}

TEST(RunSummary, DoesNotRepeatACommandOfAThousandPhotos) {
  std::vector<std::string> command{"photoscribe", "run", "--redo"};
  for (int i = 0; i < 1000; ++i) command.push_back(std::to_string(i) + ".jpg");

  EXPECT_THAT(text_of(run_that_timed_out(), command),
              HasSubstr("  the same command with --retry-failed without --redo   #"));
}

TEST(RunSummary, KeepsPhotosThatLookLikeFlagsBehindTheirMark) {
  const std::vector<std::string> command{"photoscribe", "run", "-o", "a.db", "--", "--redo"};

  EXPECT_THAT(text_of(run_that_timed_out(), command),
              HasSubstr("photoscribe run --retry-failed -o a.db -- --redo"));
}

TEST(RunSummary, MapsItsEndToAnExitStatus) {
  RunSummary s = finished_run();
  EXPECT_EQ(exit_status_of(s), 1);
  s.failed = 0;
  EXPECT_EQ(exit_status_of(s), 0);
  s.end = RunEnd::stopped;
  EXPECT_EQ(exit_status_of(s), 4);
  s.end = RunEnd::killed;
  EXPECT_EQ(exit_status_of(s), 130);
}

TEST(RunSummary, IsOneJsonObjectForMachines) {
  RunSummary s = finished_run();
  s.bleu = BleuSummary{{0.5, 0.4, 0.3, 0.25}, 890, 10};

  const std::string text = summary_json(s, BlurSettings(), 1);
  const nlohmann::json object = nlohmann::json::parse(text);

  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(object["end"], "complete");
  EXPECT_EQ(object["exit_status"], 1);
  EXPECT_EQ(object["done"], 900);
  EXPECT_EQ(object["bleu"]["bleu4"], 25.0);
  EXPECT_EQ(object["failures"][0]["example"], "/p/2008/half\n.jpg");
  EXPECT_FALSE(object["failures"][0].contains("example_base64"));
  EXPECT_EQ(object["failures"][1]["example"], "/p/caf\xEF\xBF\xBD.jpg");
  EXPECT_EQ(object["failures"][1]["example_base64"], "L3AvY2Fm6S5qcGc=");
  EXPECT_EQ(object["skipped"][".mov"], 30);
}

}  // namespace
}  // namespace photoscribe::cli
