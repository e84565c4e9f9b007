// The users of ops/config/redis-users.conf: what each needs, it may; and the worker's may not do
// what is the scheduler's.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "common/redis/fleet.h"
#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

using testing::HasSubstr;

/// The lines of the file that ships, with a password that needs none.
std::vector<std::string> shipped_users() {
  std::ifstream file(PHOTOSCRIBE_SOURCE_DIR "/ops/config/redis-users.conf");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    const std::string mark = "#PASSWORD_SHA256";
    const auto at = line.find(mark);
    if (at == std::string::npos) continue;
    lines.push_back(line.replace(at, mark.size(), ">secret"));
  }
  return lines;
}

class AclTest : public QueueTest {
 protected:
  AclTest() : QueueTest({.acl_users = shipped_users()}) {
    for (Connection* one : {&as_scheduler, &as_worker}) {
      const Status connected = test::run(io, one->connect());
      if (!connected) throw std::runtime_error(connected.error().message);
    }
  }

  Endpoint endpoint_of(const std::string& user) const {
    Endpoint endpoint = *parse_endpoint(server.url());
    endpoint.user = user;
    endpoint.password = "secret";
    return endpoint;
  }

  /// Whether the worker's user is refused this command.
  testing::AssertionResult refused(Command command) {
    const auto reply = test::run(io, as_worker.call(std::move(command), std::chrono::seconds(5)));
    if (reply) return testing::AssertionFailure() << "it may";
    if (reply.error().message.find("NOPERM") != std::string::npos)
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << reply.error().message;
  }

  static Result seen(std::int64_t image) {
    Result result;
    result.image_id = image;
    result.outcome = Blurred{};
    result.blur_scores = test::every_mode(12.5);
    result.content_hash = sha256_of(&image, sizeof image);
    return result;
  }

  Connection as_scheduler{io.get_executor(), endpoint_of("photoscribe-scheduler")};
  Connection as_worker{io.get_executor(), endpoint_of("photoscribe-worker")};
  SchedulerQueue scheduler{as_scheduler};
  WorkerQueue worker{as_worker};
};

TEST_F(AclTest, LetsASchedulerDoAllThatItDoes) {
  const std::string own = new_incarnation();
  RunListing run = listing();
  run.incarnation = own;
  ok(scheduler.make_run(run, spec(), kFence));
  ok(scheduler.register_run(run));
  static_cast<void>(ok(scheduler.presence(own)));
  ASSERT_EQ(ok(scheduler.enqueue(own, kFence, {task(1), task(2), task(3)})), EnqueueOutcome::all);
  EXPECT_EQ(ok(scheduler.withdraw(own, kFence, 1)).tasks, 1);
  const auto held = ok(worker_queue.read_tasks(own, "w", 2));  // as somebody who may anything
  ok(worker_queue.finish(own, {held[0].id}, packed(1)));
  static_cast<void>(ok(scheduler.look(own)));
  for (int i = 0; i < 2; ++i) ok(scheduler.note_seen(own, {seen(1)}, 1));
  ok(scheduler.forget_seen(own));
  static_cast<void>(ok(scheduler.snapshot(own, kFence + 1)));
  const auto results = ok(scheduler.read_results(own, 10, EntryId{}, milliseconds(0)));
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(ok(scheduler.last_result(own)));
  ok(scheduler.delete_results(own, {results[0].id}));
  static_cast<void>(ok(scheduler.holders(own)));
  static_cast<void>(ok(scheduler.pending_of(own, "w", 10, EntryId{})));
  const Judged dead{"w", std::nullopt};
  static_cast<void>(ok(scheduler.condemn(own, held[1].id, dead, 3)));
  static_cast<void>(ok(scheduler.release_unmarked(own, dead, 10)));
  static_cast<void>(ok(scheduler.remove_dead_consumer(own, dead)));
  ok(scheduler.remove_tasks(own, {held[1].id}));
  static_cast<void>(ok(scheduler.list_runs()));
  static_cast<void>(ok(read_fleet(as_scheduler, std::chrono::seconds(1))));
  ok(scheduler.delete_runs({own}));
}

TEST_F(AclTest, LetsAWorkerDoAllThatItDoes) {
  fill(1, 9);
  ASSERT_EQ(ok(worker.list_runs()).size(), 1U);
  static_cast<void>(ok(worker.read_spec(inc)));
  const auto held = ok(worker.read_tasks(inc, "w", 5));
  ASSERT_EQ(held.size(), 5U);
  ok(worker.beat(inc, "w", 1));
  ok(report_worker(as_worker, "w", "{}"));
  ok(withdraw_report(as_worker, "w"));
  ASSERT_EQ(ok(worker.start(inc, "w", 1, {held[0].id, held[1].id})).size(), 2U);
  ok(worker.finish(inc, {held[0].id}, packed(1)));
  EXPECT_EQ(ok(worker.hand_back(inc, "w", {held[2].id})), 1);
  static_cast<void>(ok(worker.renew(inc, "w", {held[1].id})));
  static_cast<void>(ok(worker.holders(inc)));
  static_cast<void>(ok(worker.find_seen({{inc, *seen(1).content_hash}})));
  // A worker that died in the middle of one of its photos.
  const auto others = ok(worker.read_tasks(inc, "dead", 2));
  ASSERT_EQ(ok(worker.start(inc, "dead", 1, {others[0].id})).size(), 1U);
  const Judged dead{"dead", std::nullopt};
  EXPECT_EQ(ok(worker.release_unmarked(inc, dead, 10)), 1);
  static_cast<void>(ok(worker.reclaim(inc, "w", 2, others[0].id, dead, 3)));
  ok(worker.leave(inc, "w"));
  server.command({"UNLINK", key("spec")});
  ok(worker.forget_run(inc));
}

TEST_F(AclTest, KeepsAWorkerFromWhatIsTheSchedulers) {
  fill(1, 2);
  const std::string spec = key("spec"), results = key("results"), state = key("state");
  EXPECT_TRUE(refused(Command{"SET", spec, "{}"}));
  EXPECT_TRUE(refused(Command{"UNLINK", spec}));
  EXPECT_TRUE(refused(Command{"HSET", "photoscribe:runs", inc, "x"}));
  EXPECT_TRUE(refused(Command{"HSET", state, "fence", "1"}));
  EXPECT_TRUE(refused(Command{"HSET", key("seen"), "x", "y"}));
  EXPECT_TRUE(refused(Command{"XDEL", results, "1-1"}));
  EXPECT_TRUE(refused(Command{"XREAD", "STREAMS", results, "0"}));
  EXPECT_TRUE(refused(Command{"XGROUP", "DESTROY", key("tasks"), "workers"}));
  EXPECT_TRUE(refused(Command{"EXPIRE", key("tasks"), "1"}));
  EXPECT_TRUE(refused(Command{"GET", "another program's"}));
  EXPECT_TRUE(refused(Command{"KEYS", "*"}));
  EXPECT_TRUE(refused(Command{"FLUSHALL"}));
  EXPECT_TRUE(refused(Command{"CONFIG", "GET", "*"}));
  EXPECT_TRUE(refused(Command{"ACL", "LIST"}));
  // Nor by a script of its own.
  const auto script =
      test::run(io, as_worker.call(Command{"EVAL", "return redis.call('DEL', KEYS[1])", "1", spec},
                                   std::chrono::seconds(5)));
  ASSERT_FALSE(script);
  EXPECT_THAT(script.error().message, HasSubstr("redis-users.conf"));
  EXPECT_EQ(server.command({"EXISTS", spec}), "1");
}

}  // namespace
}  // namespace photoscribe::redis
