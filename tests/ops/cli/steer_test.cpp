// pause, resume, cancel, drain, retry and dead, as processes, on a run at work and on one at rest.
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>

#include "scheduler/store/store.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/run/run_batch_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A run of fake workers in a thread of its own, steered from outside.
class Steer : public test::RunBatch {
 protected:
  void start(int photos) {
    add_photos(0, photos);
    const RunRequest made = slow_request();
    watcher_.act = [this](const RunProgress& now) {
      finished_ = now.done + now.blurred + now.failed;
    };
    running_ = std::async(std::launch::async, [this, made] { return run(made); });
    wait_for([this] { return finished_ >= 24; });
  }
  template <class Condition>
  static void wait_for(Condition there) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!there() && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_TRUE(there());
  }
  std::string database() const { return folder_.file("archive.db"); }
  json asked(std::vector<std::string> words) const {
    words.insert(words.begin() + (words[0] == "dead" ? 2 : 1), database());
    words.push_back("--json");
    const ChildOutput output = photoscribe(words);
    EXPECT_EQ(output.exit_status, 0) << output.err;
    return json::parse(output.out, nullptr, false);
  }

  std::future<RunSummary> running_;
  std::atomic<std::int64_t> finished_{0};
};

TEST_F(Steer, PausesARunAtWorkAndGoesOn) {
  start(300);

  const json paused = asked({"pause"});
  EXPECT_EQ(paused["control"], "paused");
  EXPECT_EQ(paused["served"], true);
  EXPECT_EQ(asked({"status"})["runs"][0]["control"], "paused");
  std::int64_t last = -1;
  wait_for([&] {
    const std::int64_t now = finished_;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return std::exchange(last, now) == finished_;
  });
  EXPECT_LT(finished_, 300);
  hurry();

  EXPECT_EQ(asked({"resume"})["changed"], true);
  const RunSummary summary = running_.get();
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.done + summary.blurred + summary.failed, 300);
}

TEST_F(Steer, StaysPausedOverADrainAndSaysHowToGoOn) {
  start(200);
  asked({"pause"});
  EXPECT_EQ(asked({"drain", "--wait"})["served"], true);
  EXPECT_EQ(running_.get().end, RunEnd::stopped);

  const RunSummary again = run(request());

  EXPECT_EQ(again.end, RunEnd::paused);
  EXPECT_EQ(again.done_now, 0);
  EXPECT_EQ(again.control, RunControl::paused);
  EXPECT_THAT(photoscribe({"resume", database()}).out, HasSubstr("photoscribe run -o"));
  EXPECT_EQ(run(request()).end, RunEnd::complete);
}

TEST_F(Steer, CancelEndsTheRunAndTheSameCommandTakesItUpAgain) {
  start(300);

  EXPECT_EQ(asked({"cancel", "--wait"})["control"], "cancelled");
  const RunSummary cancelled = running_.get();
  EXPECT_EQ(cancelled.end, RunEnd::cancelled);
  EXPECT_GT(cancelled.pending, 0);
  EXPECT_EQ(asked({"status"})["runs"][0]["control"], "cancelled");

  const RunSummary again = run(request());
  EXPECT_EQ(again.end, RunEnd::complete);
  EXPECT_THAT(again.notes, ::testing::Contains(HasSubstr("was cancelled")));
}

TEST_F(Steer, RetriesDeadPhotosWhileTheRunIsAtWork) {
  start(300);
  json dead = asked({"dead", "ls", "--reason", "truncated"});
  ASSERT_GE(dead["photos"].size(), 2U);
  const std::string image = std::to_string(dead["photos"][0]["image"].get<std::int64_t>());

  EXPECT_EQ(asked({"dead", "replay", image})["photos"], 1);
  EXPECT_GE(asked({"retry", "--reason", "truncated"})["photos"], 1);
  EXPECT_EQ(asked({"retry", "--reason", "timeout"})["photos"], 0);
  hurry();
  EXPECT_EQ(running_.get().end, RunEnd::complete);

  const json shown = asked({"dead", "show", image})["photos"][0];
  EXPECT_GE(shown["attempts"].size(), 2U);
  EXPECT_EQ(shown["attempts"][1]["reason"], "truncated");
}

TEST_F(Steer, RetriesForTheNextRunWhenNobodyIsAtWork) {
  add_photos(0, 22);
  run(request());

  const ChildOutput retried = photoscribe({"retry", database(), "--failed"});
  EXPECT_THAT(retried.out, HasSubstr("2 photos wait for another attempt"));
  EXPECT_THAT(retried.out, HasSubstr("no scheduler is running"));
  EXPECT_EQ(run(request()).failed_now, 2);
  EXPECT_THAT(photoscribe({"dead", "ls", database()}).out, HasSubstr("truncated"));
}

TEST_F(Steer, CorrectsCaptionsWhileTheRunIsAtWork) {
  start(300);
  for (int i = 0; i < 10; ++i) {
    const std::string image = std::to_string(i + 1);
    const ChildOutput set =
        photoscribe({"caption", "set", database(), image, "correction " + image});
    EXPECT_EQ(set.exit_status, 0) << set.err;
  }
  hurry();
  const RunSummary summary = running_.get();
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.done + summary.blurred + summary.failed, 300) << "every photo once";
  const json edits = json::parse(photoscribe({"caption", "list", database(), "--json"}).out);
  EXPECT_EQ(edits["edits"].size(), 10U);
}

TEST_F(Steer, SaysWhatIsWrong) {
  add_photos(0, 3);
  run(request());
  RunRequest second = request();
  second.run = "second";
  run(second);

  EXPECT_EQ(photoscribe({"pause", folder_.file("none.db")}).exit_status, 2);
  EXPECT_THAT(photoscribe({"pause", database()}).err, HasSubstr("default, second"));
  EXPECT_THAT(photoscribe({"retry", database(), "--run", "x"}).err, HasSubstr("no run \"x\""));
  EXPECT_THAT(photoscribe({"retry", database()}).err, HasSubstr("--failed"));
  EXPECT_THAT(photoscribe({"retry", database(), "--reason", "tired"}).err,
              HasSubstr("crashed_worker"));
  EXPECT_EQ(photoscribe({"dead", "show", database(), "99"}).exit_status, 2);
  EXPECT_THAT(photoscribe({"drain", database()}).out, HasSubstr("no scheduler is running"));
}

}  // namespace
}  // namespace photoscribe::cli
