// What `photoscribe run` promises a person, with every real part in it.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

class Run : public EndToEnd {};

TEST_F(Run, CaptionsTheClearAndOnlyScoresTheBlurred) {
  add_photos(5);
  write_photo("soft.jpg", blurred_jpeg());

  const Finished got = run_photos({"--json", "--no-progress"});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(6);
  EXPECT_EQ(
      count("state = 'done' AND caption <> '' AND log_prob < 0 AND blur_score >= blur_threshold"),
      "5");
  EXPECT_EQ(count("state = 'blurred' AND caption IS NULL AND blur_score < blur_threshold"), "1");
  EXPECT_EQ(count("width = 160 AND height = 120"), "6");
  const auto summary = nlohmann::json::parse(got.out);
  EXPECT_EQ(summary.at("done"), 5);
  EXPECT_EQ(summary.at("blurred"), 1);
}

// Asked for, both come from the network to the database; not asked for, nothing of them is there.
TEST_F(Run, Issue16KeepsOtherCaptionsAndWhereItLookedOnlyWhenAsked) {
  add_photos(3);
  ASSERT_EQ(run_photos().exit_status, 0);
  const auto one = [this](const std::string& sql) { return query_one(database(), sql); };
  EXPECT_EQ(one("SELECT count(*) FROM result_alternative"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM result_attention"), "0");
  const std::string captions = one("SELECT group_concat(caption) FROM caption_result");

  const Finished refused = run_photos({"--keep-attention", "1"});
  EXPECT_NE(refused.exit_status, 0) << "photos that are done would have none";
  const Finished got = run_photos({"--redo", "--keep-alternatives", "2", "--keep-attention", "1"});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  EXPECT_EQ(one("SELECT group_concat(caption) FROM caption_result"), captions);
  EXPECT_EQ(one("SELECT max(ordinal) <= 1 AND count(*) > 0 FROM result_alternative"), "1");
  EXPECT_EQ(one("SELECT count(*) FROM result_alternative AS other JOIN result USING (result_id) "
                "WHERE other.caption = result.caption"),
            "0");
  EXPECT_EQ(one("SELECT count(*) FROM result_attention JOIN result USING (result_id) "
                "WHERE length(cells) = tokens * width * height AND width = height"),
            "3");
}

TEST_F(Run, HasNothingToDoTheSecondTime) {
  add_photos(3);
  ASSERT_EQ(run_photos().exit_status, 0);
  const std::string before =
      query_one(database(), "SELECT group_concat(finished_at) FROM caption_result");

  const Finished again = run_photos();

  EXPECT_EQ(again.exit_status, 0) << again.err;
  EXPECT_NE((again.out + again.err).find("othing was left to do"), std::string::npos)
      << again.out << again.err;
  EXPECT_EQ(query_one(database(), "SELECT group_concat(finished_at) FROM caption_result"), before);
}

TEST_F(Run, TakesNewAndChangedPhotosAndKeepsTheRowOfAVanishedOne) {
  const std::vector<std::string> names = add_photos(4);
  ASSERT_EQ(run_photos().exit_status, 0);
  const std::string caption_row = "uri LIKE '%" + names[1] + "'";
  const std::string score =
      query_one(database(), "SELECT blur_score FROM caption_result WHERE " + caption_row);

  add_photos(2, 4);
  write_photo(names[1], clear_jpeg(77, 200, 140));
  std::filesystem::remove(photos() + "/" + names[2]);
  const Finished again = run_photos();

  EXPECT_EQ(again.exit_status, 0) << again.err;
  EXPECT_EQ(count("1"), "6");
  EXPECT_EQ(count("state = 'done'"), "6");
  EXPECT_EQ(count(caption_row + " AND width = 200"), "1");
  EXPECT_NE(query_one(database(), "SELECT blur_score FROM caption_result WHERE " + caption_row),
            score);
}

TEST_F(Run, RefusesOtherSettingsButRejudgesAThreshold) {
  add_photos(2);
  write_photo("soft.jpg", blurred_jpeg());
  ASSERT_EQ(run_photos().exit_status, 0);

  const Finished refused = run_photos({"--beam", "2"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_NE(refused.err.find("--new-run"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--redo"), std::string::npos) << refused.err;

  const Finished loose = run_photos({"--blur-threshold", "0"});
  EXPECT_EQ(loose.exit_status, 0) << loose.err;
  EXPECT_EQ(count("state = 'done'"), "3");

  const Finished strict = run_photos({"--blur-threshold", "1e9"});
  EXPECT_EQ(strict.exit_status, 0) << strict.err;
  EXPECT_EQ(count("state = 'blurred' AND caption IS NULL"), "3");

  const Finished redone = run_photos({"--redo", "--beam", "2"});
  EXPECT_EQ(redone.exit_status, 0) << redone.err;
  EXPECT_EQ(count("state = 'done'"), "2");

  const Finished beside = run_photos({"--new-run", "greedy", "--beam", "1"});
  EXPECT_EQ(beside.exit_status, 0) << beside.err;
  EXPECT_EQ(count("run = 'greedy'"), "3");
  EXPECT_EQ(count("1"), "6");
}

TEST_F(Run, ChangesNothingWhenAFolderOrFileOfTheCommandIsNotThere) {
  add_photos(2);
  ASSERT_EQ(run_photos().exit_status, 0);

  for (const std::vector<std::string>& more :
       {std::vector<std::string>{folder_.file("typo"), "--redo"},
        {folder_.file("typo"), "--blur-threshold", "1e9"},
        {"--redo", "--references", folder_.file("nowhere.txt")},
        {"--redo", "--split", folder_.file("nowhere.txt")}}) {
    const Finished refused = run_photos(more);
    EXPECT_EQ(refused.exit_status, 2) << refused.err;
    EXPECT_EQ(count("state = 'done' AND caption IS NOT NULL"), "2") << more.back();
  }
}

TEST_F(Run, TriesOnlyTheFailedPhotosOfTheCommandAgain) {
  std::filesystem::create_directories(photos() + "/a");
  std::filesystem::create_directories(photos() + "/b");
  write_photo("a/cut.jpg", "no photo");
  write_photo("b/cut.jpg", "no photo");
  ASSERT_EQ(run_photos().exit_status, 1);

  const Finished again =
      photoscribe({"run", photos() + "/a", "-o", database(), "--model", model(), "--retry-failed"});

  EXPECT_EQ(again.exit_status, 1) << again.err;
  EXPECT_EQ(count("reason = 'not_an_image'"), "2");
  EXPECT_EQ(query_one(database(), "SELECT count(*) FROM result WHERE attempt = 2"), "1");
}

TEST_F(Run, ScoresCaptionsThatHaveReferences) {
  const std::vector<std::string> names = add_photos(3);
  std::string lines;
  for (const std::string& name : {names[0], names[1]}) {
    for (int i = 0; i < 5; ++i)
      lines += name + "#" + std::to_string(i) + "\tA dog runs on the grass .\n";
  }

  const Finished got =
      run_photos({"--references", folder_.write("refs.token.txt", lines), "--json"});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  EXPECT_EQ(count("bleu1 IS NOT NULL AND bleu4 IS NOT NULL AND bleu1 BETWEEN 0 AND 1"), "2");
  EXPECT_TRUE(nlohmann::json::parse(got.out).contains("bleu")) << got.out;
}

TEST_F(Run, GoesOnAfterWorkersAreKilledAndBlamesNoPhoto) {
  add_photos(240);
  Process scribe(run_command({"--batch", "4"}), folder_.path().string());

  for (int kills = 1; kills <= 3; ++kills) {
    ASSERT_TRUE(recorded(kills * 30));
    ASSERT_TRUE(eventually([&] { return !workers().empty(); }));
    for (const pid_t pid : workers()) ::kill(pid, SIGKILL);
  }
  const Finished got = scribe.wait();

  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(240);
}

TEST_F(Run, IsTakenUpAgainAfterItsSchedulerIsKilled) {
  add_photos(160);
  for (int kills = 1; kills <= 2; ++kills) {
    Process scribe(run_command({"--batch", "4", "--rate", "60"}), folder_.path().string());
    ASSERT_TRUE(recorded(kills * 30));
    scribe.signal(SIGKILL);
    scribe.wait();
  }

  const Finished got = run_photos();

  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(160);
}

TEST_F(Run, DrainsOnCtrlCAndIsFinishedByTheNextCommand) {
  add_photos(200);
  Process scribe(run_command({"--batch", "4", "--rate", "60"}), folder_.path().string());
  ASSERT_TRUE(recorded(20));

  scribe.signal(SIGINT);
  const Finished stopped = scribe.wait(std::chrono::seconds(30));

  EXPECT_EQ(stopped.exit_status, 4) << stopped.err;
  EXPECT_LT(std::stoi(count("state = 'done'")), 200);
  const Finished got = run_photos();
  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(200);
}

TEST_F(Run, TwoOnOneMachineDoNotMeet) {
  add_photos(40);
  const std::string other = folder_.file("other.db");
  std::vector<std::string> second = run_command();
  for (std::string& word : second) {
    if (word == database()) word = other;
  }
  Process one(run_command(), folder_.path().string());
  Process two(second, folder_.path().string());

  EXPECT_EQ(one.wait().exit_status, 0);
  EXPECT_EQ(two.wait().exit_status, 0);
  expect_everything_once(40);
  EXPECT_EQ(query_one(other, "SELECT count(*) FROM caption_result WHERE state = 'done'"), "40");
}

TEST_F(Run, RefusesASecondSchedulerOnOneDatabase) {
  add_photos(120);
  Process scribe(run_command({"--batch", "4"}), folder_.path().string());
  ASSERT_TRUE(recorded(10));

  const Finished second = run_photos();

  EXPECT_EQ(second.exit_status, 3) << second.err;
  EXPECT_EQ(scribe.wait().exit_status, 0);
  expect_everything_once(120);
}

TEST_F(Run, LeavesNothingBehindInAServerOfTheUsers) {
  add_photos(12);
  RedisServer server;
  server.command({"SET", "mine", "kept"});

  const Finished got = run_photos({"--redis", server.url()});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(12);
  EXPECT_EQ(server.command({"KEYS", "*"}), "[mine]");
}

TEST_F(Run, SurvivesAFlushedServerAndOneThatComesBackEmpty) {
  add_photos(160);
  RedisServer server;
  Process scribe(run_command({"--redis", server.url(), "--batch", "4"}), folder_.path().string());

  ASSERT_TRUE(recorded(20));
  server.flushall();
  ASSERT_TRUE(recorded(60));
  server.restart();
  const Finished got = scribe.wait();

  EXPECT_EQ(got.exit_status, 0) << got.err;
  expect_everything_once(160);
  EXPECT_EQ(server.command({"KEYS", "photoscribe*"}), "[]");
}

TEST_F(Run, CountsButWritesNothingOnADryRun) {
  add_photos(3);

  const Finished got = run_photos({"--dry-run"});

  EXPECT_EQ(got.exit_status, 0) << got.err;
  EXPECT_NE(got.out.find('3'), std::string::npos) << got.out;
  EXPECT_FALSE(std::filesystem::exists(database()));
}

}  // namespace
}  // namespace photoscribe::test
