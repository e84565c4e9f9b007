// What a scheduler tells of the workers and the server around its run, and how it lives with keys
// that somebody else has written over.
#include <gmock/gmock.h>

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "common/redis/fleet.h"
#include "tests/scheduler/queue/scheduler_fixture.h"

namespace photoscribe::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class Watch : public SchedulerTest {
 protected:
  /// Calls `then` once an event says `words`.
  void once_told(const std::string& words, std::function<void()> then) {
    poll_.expires_after(milliseconds(2));
    poll_.async_wait([this, words, then](boost::system::error_code stopped) {
      if (stopped) return;
      const bool told = std::any_of(events_.begin(), events_.end(), [&](const std::string& event) {
        return event.find(words) != std::string::npos;
      });
      told ? then() : once_told(words, then);
    });
  }
  void report(const std::string& name, char model) {
    WorkerReport made;
    made.name = name;
    made.host = "gpu7";
    made.model_hash = std::string(64, model);
    made.roots["photos"] = "";
    server_.command({"HSET", "photoscribe:fleet", name,
                     server_.command({"TIME"}).substr(1, 10) + " " + to_json(made)});
  }
  boost::asio::steady_timer poll_{io_};
};

TEST_F(Watch, Issue13SaysWithinALeaseThatNobodyCanServeTheRunAndWhatEachWorkerLacks) {
  make_archive(20);
  report("w1", 'b');
  const auto began = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration told{};
  once_told("nobody can do", [&] {
    told = std::chrono::steady_clock::now() - began;
    add_worker();
  });

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_LT(told, milliseconds(5 * kLeaseMs));  // a busy machine; by design within one
  EXPECT_THAT(events_, Contains(AllOf(HasSubstr("nobody can do the photos of this run"),
                                      HasSubstr("w1 (host gpu7"),
                                      HasSubstr("the run asks for the model aaaaaaaaaaaa"))));
}

TEST_F(Watch, Issue13NamesAnEvictionPolicyThatIsSwitchedOnInMidRunAsTheCause) {
  make_archive(200);
  add_worker(acting_at(60, [&] {
    server_.command({"CONFIG", "SET", "maxmemory", "500mb"});
    server_.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    server_.command({"DEL", key("tasks")});  // as the policy would
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_THAT(events_, Contains(AllOf(HasSubstr("lost this run's data"), HasSubstr("allkeys-lru"),
                                      HasSubstr("maxmemory-policy noeviction"))));
  server_.command({"DEL", "photoscribe:fleet"});
  expect_everything_done(200);
}

class WrongType : public Watch, public ::testing::WithParamInterface<const char*> {};

TEST_P(WrongType, Issue13OfAKeyOfTheRunIsHealedByANewIncarnation) {
  make_archive(200);
  add_worker(acting_at(60, [&] {
    server_.command({"DEL", key(GetParam())});
    server_.command({"SET", key(GetParam()), "another program's"});
    if (GetParam() == std::string("spec")) {
      server_.command({"DEL", key("spec")});
      server_.command({"LPUSH", key("spec"), "another program's"});
    }
  }));

  EXPECT_EQ(run_scheduler(), SchedulerEnd::complete);
  stop_workers();

  EXPECT_THAT(events_, Contains(HasSubstr("lost this run's data")));
  expect_everything_done(200);
}

INSTANTIATE_TEST_SUITE_P(Keys, WrongType,
                         ::testing::Values("spec", "tasks", "results", "state", "workers"));

TEST_F(Watch, RefusesAServerWhoseListOfRunsIsAnotherPrograms) {
  make_archive(20);
  server_.command({"SET", "photoscribe:runs", "another program's"});
  make_scheduler();

  const Expected<SchedulerEnd> end = run(io_, scheduler_->run());

  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::redis_refused);
  EXPECT_THAT(end.error().message, HasSubstr("another program"));
}

}  // namespace
}  // namespace photoscribe::test
