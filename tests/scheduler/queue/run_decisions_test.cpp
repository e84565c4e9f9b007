// What a run's scheduler decides, without a server: its mode, what follows a failure, when a cancel
// is over, when people are told something.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "scheduler/queue/after_failure.h"
#include "scheduler/queue/reconcile_gate.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/run_tally.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/queue/unserved.h"
#include "scheduler/queue/withdrawal.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using Clock = std::chrono::steady_clock;

constexpr Clock::time_point kStart{};

TEST(RunMode, OnlyAPauseIsTakenBack) {
  EXPECT_EQ(follow(Mode::pause, Mode::run), Mode::run);
  for (const Mode mode : {Mode::cancel, Mode::finish, Mode::abort}) {
    EXPECT_EQ(follow(mode, Mode::run), mode);
  }
}

TEST(RunMode, AStrongerWishStays) {
  EXPECT_EQ(follow(Mode::run, Mode::pause), Mode::pause);
  EXPECT_EQ(follow(Mode::pause, Mode::cancel), Mode::cancel);
  EXPECT_EQ(follow(Mode::cancel, Mode::pause), Mode::cancel);
  EXPECT_EQ(follow(Mode::finish, Mode::cancel), Mode::finish);
  EXPECT_EQ(follow(Mode::cancel, Mode::finish), Mode::finish);
  EXPECT_EQ(follow(Mode::abort, Mode::finish), Mode::abort);
}

FailedTurn failed(Errc code, int failures = 1) {
  FailedTurn turn;
  turn.code = code;
  turn.failures = failures;
  turn.ever_connected = true;
  turn.first_connect = seconds(8);
  return turn;
}

TEST(AfterFailure, WaitsForAServerThatIsAwayHoweverLong) {
  for (const Errc code : {Errc::redis_unavailable, Errc::cancelled, Errc::run_gone}) {
    FailedTurn turn = failed(code, 1'000);
    turn.since_start = std::chrono::hours(24);
    EXPECT_EQ(after_failure(turn), AfterFailure::try_again);
  }
}

TEST(AfterFailure, GivesUpWhereWaitingDoesNotMendIt) {
  EXPECT_EQ(after_failure(failed(Errc::redis_refused)), AfterFailure::give_up);
  EXPECT_EQ(after_failure(failed(Errc::store_full)), AfterFailure::give_up);
}

TEST(AfterFailure, GivesUpOnAServerThatNeverAnswered) {
  FailedTurn turn = failed(Errc::redis_unavailable);
  turn.ever_connected = false;
  turn.since_start = seconds(8);
  EXPECT_EQ(after_failure(turn), AfterFailure::try_again);

  turn.since_start += milliseconds(1);
  EXPECT_EQ(after_failure(turn), AfterFailure::give_up);
  turn.is_open = true;  // it answers, and is loading
  EXPECT_EQ(after_failure(turn), AfterFailure::try_again);
}

TEST(AfterFailure, DoesNotWaitLongAtTheEnd) {
  FailedTurn finishing = failed(Errc::redis_unavailable, 4);
  finishing.mode = Mode::finish;
  EXPECT_EQ(after_failure(finishing), AfterFailure::try_again);
  finishing.failures = 5;
  EXPECT_EQ(after_failure(finishing), AfterFailure::drain);

  FailedTurn complete = failed(Errc::redis_unavailable, 8), cancelled = complete;
  complete.has_photos = false;
  cancelled.mode = Mode::cancel;
  EXPECT_EQ(after_failure(complete), AfterFailure::try_again);
  complete.failures = cancelled.failures = 9;
  EXPECT_EQ(after_failure(complete), AfterFailure::leave_keys);
  EXPECT_EQ(after_failure(cancelled), AfterFailure::leave_keys);
}

TEST(IsCancelOver, WaitsForWhatIsInHandWhileItMoves) {
  const milliseconds lease(15'000);
  const Clock::time_point late = kStart + seconds(60);
  EXPECT_TRUE(is_cancel_over(0, kStart, std::nullopt, lease, kStart));
  EXPECT_FALSE(is_cancel_over(3, kStart, std::nullopt, lease, kStart + seconds(45)));
  EXPECT_TRUE(is_cancel_over(3, kStart, std::nullopt, lease, kStart + seconds(46)));
  EXPECT_FALSE(is_cancel_over(3, kStart, kStart + seconds(20), lease, late));
  EXPECT_TRUE(is_cancel_over(3, kStart, kStart - seconds(20), lease, late));
}

TEST(ReconcileGate, HoldsTheFeederUntilOneCameToItsEnd) {
  ReconcileGate gate;
  EXPECT_TRUE(gate.is_wanted());
  gate.begin();
  EXPECT_FALSE(gate.is_wanted());
  EXPECT_TRUE(gate.holds_feeder());
  gate.end(true);
  EXPECT_FALSE(gate.holds_feeder());

  gate.request();
  gate.begin();
  gate.end(false);
  EXPECT_TRUE(gate.is_wanted());

  gate.begin();
  gate.request();  // somebody saw another reason meanwhile
  gate.end(true);
  EXPECT_TRUE(gate.is_wanted());
}

TEST(RunTally, CountsWhatIsEnqueuedAndNotRecorded) {
  RunTally tally;
  tally.add_enqueued(10, kStart + seconds(1));
  RecordReport report;
  report.recorded = 4;
  report.requeued = 1;
  report.done = 3;
  report.failed = 1;
  tally.add_recorded(report, RunCounts(), kStart + seconds(2));

  EXPECT_EQ(tally.enqueued(), 5);
  EXPECT_EQ(tally.finished(), 4);
  EXPECT_EQ(tally.moved_at(), kStart + seconds(2));
  SchedulerNow now;
  tally.show_in(now);
  EXPECT_EQ(now.first_task, kStart + seconds(1));
  EXPECT_EQ(now.finished(), 4);

  tally.set_enqueued(7);
  EXPECT_EQ(tally.enqueued(), 7);
}

TEST(RunTally, TakesARepeatedResultForNoSignOfWork) {
  RunTally tally;
  RecordReport report;
  report.duplicate = 5;
  tally.add_recorded(report, RunCounts(), kStart + seconds(2));

  EXPECT_FALSE(tally.last_result());
}

TEST(TroubleReporter, TellsOnceThatATroubleBeganAndOnceThatItIsOver) {
  std::vector<std::string> told;
  TroubleReporter reporter([&](const Event& event) { told.push_back(event.text); });

  reporter.end(Trouble::disk);
  reporter.begin(Trouble::disk, "full");
  reporter.begin(Trouble::redis, "away");
  reporter.begin(Trouble::disk, "full");
  reporter.end(Trouble::disk);
  reporter.end(Trouble::disk);
  reporter.mark_reported(Trouble::eviction);
  reporter.begin(Trouble::eviction, "evicts");
  reporter.end(Trouble::eviction);

  EXPECT_THAT(told, ElementsAre("full", "away", "the database can be written again",
                                "Redis no longer evicts keys"));
}

TEST(Unserved, TellsWhatLastsAndNotTooOften) {
  Unserved unserved(milliseconds(15'000));
  const auto text_at = [&](Clock::duration time, std::optional<std::string> why) {
    const std::optional<Event> event = unserved.observe(std::move(why), kStart + time);
    return event ? event->text : std::string();
  };
  EXPECT_EQ(text_at(seconds(0), "no worker"), "");
  EXPECT_EQ(text_at(seconds(5), std::nullopt), "");  // it was starting
  EXPECT_EQ(text_at(seconds(6), "no worker"), "");
  EXPECT_EQ(text_at(seconds(15), "no worker"), "");
  EXPECT_EQ(unserved.why(), "");
  EXPECT_EQ(text_at(seconds(16), "no worker"),
            "no worker can process the photos of this run: no worker");
  EXPECT_EQ(text_at(minutes(5), "no worker"), "");
  EXPECT_EQ(text_at(minutes(6), "no root"),
            "no worker can process the photos of this run: no root");
  EXPECT_EQ(text_at(minutes(6) + seconds(59), "no model"), "");
  EXPECT_EQ(unserved.why(), "no model");
  EXPECT_EQ(text_at(minutes(17), "no model"),
            "no worker can process the photos of this run: no model");
  EXPECT_EQ(text_at(minutes(18), std::nullopt), "a worker serves this run now");
  EXPECT_EQ(text_at(minutes(19), std::nullopt), "");
}

}  // namespace
}  // namespace photoscribe
