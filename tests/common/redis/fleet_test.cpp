// What workers report of themselves, on a real server.
#include "common/redis/fleet.h"

#include <gmock/gmock.h>

#include "tests/common/redis/queue_fixture.h"

namespace photoscribe::redis {
namespace {

class FleetTest : public QueueTest {
 protected:
  static WorkerReport report(const std::string& name) {
    WorkerReport made;
    made.name = name;
    made.host = "gpu7";
    made.pid = 4711;
    made.model_hash = std::string(64, 'b');
    made.model_name = "best";
    made.devices = {"cuda:0", "cuda:1"};
    made.roots = {{"photos", ""}, {"today", "the storage does not answer"}};
    made.not_ready = "Redis does not answer";
    made.photos = 12;
    made.photos_per_s = 3.5;
    return made;
  }
  void tell(const WorkerReport& of) { ok(report_worker(connection, of.name, to_json(of))); }
};

TEST_F(FleetTest, ComesBackAsItWasReportedWithItsAge) {
  tell(report("w2"));
  tell(report("w1"));

  const std::vector<SeenWorker> fleet = ok(read_fleet(connection));

  ASSERT_EQ(fleet.size(), 2U);
  EXPECT_EQ(fleet[0].report, report("w1"));
  EXPECT_EQ(fleet[1].report, report("w2"));
  EXPECT_LE(fleet[0].age, std::chrono::seconds(5));
  EXPECT_GT(server.number({"TTL", "photoscribe:fleet"}), 0);
  EXPECT_EQ(parse_seen_worker(to_line(fleet[0])), fleet[0]);
}

TEST_F(FleetTest, TellsHowLongAWorkerHasBeenSilentAndForgetsIt) {
  const std::string now = server.command({"TIME"}).substr(1, 10);
  const std::string then = std::to_string(std::stoll(now) - 100);
  server.command({"HSET", "photoscribe:fleet", "w1", then + " " + to_json(report("w1"))});

  EXPECT_GE(ok(read_fleet(connection)).at(0).age, std::chrono::seconds(100));
  EXPECT_EQ(ok(read_fleet(connection, std::chrono::seconds(600))).size(), 1U);
  EXPECT_TRUE(ok(read_fleet(connection, std::chrono::seconds(60))).empty());
  EXPECT_EQ(server.number({"EXISTS", "photoscribe:fleet"}), 0);
}

TEST_F(FleetTest, IsGoneAfterACleanStop) {
  tell(report("w1"));
  ok(withdraw_report(connection, "w1"));
  EXPECT_TRUE(ok(read_fleet(connection)).empty());
}

TEST_F(FleetTest, BelievesNoReportThatIsNone) {
  for (const std::string& value :
       {std::string(), std::string("x"), std::string("1 {}"), "1 " + std::string(100'000, '['),
        "1 " + to_json(report("another"))}) {
    server.command({"HSET", "photoscribe:fleet", "w1", value});
    EXPECT_TRUE(ok(read_fleet(connection)).empty()) << value.substr(0, 20);
  }
}

}  // namespace
}  // namespace photoscribe::redis
