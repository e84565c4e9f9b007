// doctor --run: the database compared with what a real Redis holds of the run.
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/redis/connection.h"
#include "common/redis/identity.h"
#include "common/redis/scheduler_queue.h"
#include "common/redis/worker_queue.h"
#include "scheduler/run/time_window.h"
#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"

namespace photoscribe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Five photos, enqueued by a scheduler that died: what follows is what Redis still has of them.
class DoctorRun : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    must(connection.connect());
    scan({test::file("1.jpg"), test::file("2.jpg"), test::file("3.jpg"), test::file("4.jpg"),
          test::file("5.jpg")});
    tasks = take();
    test::must(store().begin_incarnation(run(), incarnation));
  }
  template <class T>
  T must(redis::Awaitable<T> work) {
    Expected<T> result = test::run(io, std::move(work));
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  void make_run() {
    redis::RunListing listing;
    listing.incarnation = incarnation;
    listing.name = "default";
    RunSpec spec;
    spec.run = "default";
    spec.settings.model_hash = std::string(64, 'a');
    must(queue.make_run(listing, spec, 7));
  }
  void enqueue(std::size_t first, std::size_t last) {
    const std::vector<Task> some(tasks.begin() + static_cast<std::ptrdiff_t>(first),
                                 tasks.begin() + static_cast<std::ptrdiff_t>(last));
    must(queue.enqueue(incarnation, 7, some));
  }
  void finish_one_unrecorded() {
    const auto held = must(worker_queue.read_tasks(incarnation, "w", 1));
    ResultBatch batch;
    batch.worker = "w";
    batch.results = {test::blurred(held[0].task)};
    must(worker_queue.finish(incarnation, {held[0].id}, encode_results(batch)));
  }
  /// What the check "queue" says.
  nlohmann::json queue_check() {
    store_.reset();  // and its lock
    const ChildOutput output = photoscribe(
        {"doctor", "-o", database(), "--run", "default", "--redis", server.url(), "--json"});
    const nlohmann::json all = nlohmann::json::parse(output.out);
    for (const auto& check : all["checks"]) {
      if (check["name"] == "queue") return check;
    }
    throw std::runtime_error(output.out + output.err);
  }

  test::RedisServer server;
  boost::asio::io_context io;
  redis::Connection connection{io.get_executor(), *redis::parse_endpoint(server.url())};
  redis::SchedulerQueue queue{connection};
  redis::WorkerQueue worker_queue{connection};
  const std::string incarnation = redis::new_incarnation();
  std::vector<Task> tasks;
};

TEST_F(DoctorRun, FindsNothingAmissWhereEveryPhotoIsInATaskOrAResult) {
  make_run();
  enqueue(0, 5);
  finish_one_unrecorded();
  const auto held = must(worker_queue.read_tasks(incarnation, "w", 2));

  const nlohmann::json check = queue_check();

  EXPECT_EQ(check["health"], "good") << check;
  EXPECT_THAT(check["finding"],
              HasSubstr("4 tasks, 2 of them with workers, and 1 batches of results to record"));
  EXPECT_THAT(check["finding"], Not(HasSubstr("missing")));
}

TEST_F(DoctorRun, CountsExactlyWhatRedisHasLost) {
  make_run();
  enqueue(0, 3);
  finish_one_unrecorded();

  const nlohmann::json check = queue_check();

  EXPECT_EQ(check["health"], "warning") << check;
  EXPECT_THAT(check["finding"], HasSubstr("5 of 5 unfinished photos are enqueued"));
  EXPECT_THAT(check["finding"], HasSubstr("2 are missing in it"));
  EXPECT_THAT(check["cure"], HasSubstr("the next scheduler enqueues what is missing"));
}

TEST_F(DoctorRun, DoesNotMissWhatIsOutOfItsHoursOrPaused) {
  const auto hours_from_now = [](int first, int last) {
    char text[16];
    const int minute = local_minute(std::time(nullptr));
    std::snprintf(text, sizeof text, "%02d:00-%02d:00", (minute / 60 + first + 24) % 24,
                  (minute / 60 + last + 24) % 24);
    RunSchedule schedule;
    schedule.between = text;
    return schedule;
  };
  test::must(store().set_schedule(run(), hours_from_now(3, 5)));
  make_run();

  EXPECT_EQ(queue_check()["health"], "good");
  EXPECT_THAT(queue_check()["finding"], HasSubstr("outside its hours ("));

  reopen();
  test::must(store().set_schedule(run(), hours_from_now(-3, 5)));
  EXPECT_EQ(queue_check()["health"], "warning") << "within them it is a loss like any other";

  reopen();
  test::must(store().set_schedule(run(), RunSchedule()));
  test::must(store().set_control(run(), RunControl::paused));
  EXPECT_EQ(queue_check()["health"], "good");
  EXPECT_THAT(queue_check()["finding"], HasSubstr("because the run is paused"));
}

TEST_F(DoctorRun, SaysThatTheKeysAreGone) {
  EXPECT_THAT(queue_check()["finding"], HasSubstr("Redis has none of the run's keys"));
  make_run();
  server.command({"DEL", "photoscribe:{" + incarnation + "}:results"});
  EXPECT_THAT(queue_check()["finding"], HasSubstr("Redis has lost some of its keys"));
}

TEST_F(DoctorRun, OnlyLooks) {
  make_run();
  enqueue(0, 2);
  const std::string key = "photoscribe:{" + incarnation + "}:";
  for (const char* one : {"tasks", "results", "spec", "state"}) {
    server.command({"EXPIRE", key + one, "1000"});
  }
  const std::string before = server.command({"XRANGE", key + "tasks", "-", "+"});

  static_cast<void>(queue_check());

  for (const char* one : {"tasks", "results", "spec", "state"}) {
    EXPECT_LE(server.number({"TTL", key + one}), 1'000) << one;
  }
  EXPECT_EQ(server.command({"HGET", key + "state", "fence"}), "7");
  EXPECT_EQ(server.command({"XRANGE", key + "tasks", "-", "+"}), before);
}

}  // namespace
}  // namespace photoscribe::cli
