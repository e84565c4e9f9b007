// What a worker reports of itself, whether it serves a run or none.
#include <gmock/gmock.h>
#include <unistd.h>

#include "common/redis/fleet.h"
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

class ConsumerReport : public ConsumerTest {
 protected:
  std::vector<SeenWorker> fleet() { return ok(redis::read_fleet(connection)); }
};

TEST_F(ConsumerReport, Issue13IsThereWhileItServesNoRunAndGoesAtACleanStop) {
  RunSpec other = spec();
  other.settings.model_hash = std::string(64, 'b');
  const auto run = make_run(3, other);
  {
    const auto one = worker();
    ASSERT_TRUE(eventually([&] { return !fleet().empty() && !fleet()[0].report.starting; }));

    const WorkerReport told = fleet().at(0).report;
    EXPECT_EQ(told.name, one.name());
    EXPECT_EQ(told.model_hash, kModelHash);
    EXPECT_EQ(told.roots, (std::map<std::string, std::string>{{"photos", ""}}));
    EXPECT_GT(told.pid, 0);
    EXPECT_TRUE(results(run).empty());
  }
  EXPECT_TRUE(fleet().empty());
}

TEST_F(ConsumerReport, CountsItsPhotos) {
  const auto run = make_run(40);
  const auto one = worker();
  (void)await_results(run, 40);
  EXPECT_TRUE(eventually([&] { return !fleet().empty() && fleet()[0].report.photos == 40; }));
  EXPECT_GT(fleet()[0].report.cpu_s, 0);
}

TEST_F(ConsumerReport, Issue13SaysOfAClusterWhatTheSchedulerSays) {
  test::RedisOptions options;
  options.directives = {"cluster-enabled yes", "cluster-config-file nodes.conf",
                        "cluster-port " + std::to_string(20'000 + getpid() % 10'000)};
  const test::RedisServer cluster(std::move(options));
  RunningWorker one(cluster.url(), device, clear_photo, roots);

  const Ending ending = one.wait();

  EXPECT_EQ(ending.code, kExitEnvironment);
  EXPECT_THAT(ending.why, HasSubstr("cluster mode"));
}

}  // namespace
}  // namespace photoscribe
