// Photos that kill or hang what reads them, and workers that stand still or come back from the
// dead.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/chaos/chaos.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;

class Photo : public Chaos {};

TEST_F(Photo, ThatCrashesTheDecoderIsFoundAloneAndTheInnocentAreCaptioned) {
  begin(32);
  set_faults("decoding crash photo-00" + std::to_string(pick(10, 31)) + ".jpg\n");
  Process run = start({"--workers", "2"});
  const Finished got = run.wait();
  EXPECT_EQ(got.exit_status, 1) << got.err;
  expect_nothing_lost({{"crashed_worker", 1}});
  const std::string detail =
      query_one(database(), "SELECT detail FROM result WHERE reason = 'crashed_worker'");
  EXPECT_NE(detail.find("3 workers died"), std::string::npos) << detail;
}

TEST_F(Photo, ThatHangsADecoderTimesOutAndItsWorkerIsReplaced) {
  begin(32);
  const Environment impatient("PHOTOSCRIBE_LIMITS_IMAGE_TIMEOUT_S", "2");
  // One for each of two decoders, so that nobody gets past them.
  set_faults("decoding hang photo-000" + std::to_string(pick(0, 2)) + ".jpg\n" +
             "decoding hang photo-000" + std::to_string(pick(3, 5)) + ".jpg\n");
  Process run = start();
  const Finished got = run.wait();
  EXPECT_EQ(got.exit_status, 1) << got.err;
  expect_nothing_lost({{"timeout", 2}});
  EXPECT_NE(got.err.find("asked to be replaced"), std::string::npos) << got.err;
}

class Standstill : public Chaos {
 protected:
  /// A worker that has tasks in hand and stands still; SIGCONT is the caller's.
  pid_t stop_one() {
    const std::vector<pid_t> all = workers();
    if (all.empty()) return -1;
    const pid_t pid = all[static_cast<std::size_t>(pick(0, static_cast<int>(all.size()) - 1))];
    ::kill(pid, SIGSTOP);
    return pid;
  }
  [[nodiscard]] int results_of(pid_t worker) const {
    return std::stoi(query_one(database(),
                               "SELECT count(*) FROM result JOIN worker USING (worker_id) "
                               "WHERE name LIKE '%-" +
                                   std::to_string(worker) + "-%'"));
  }
};

TEST_F(Standstill, AWorkerThatComesBackAfterItsLeaseChangesNothingAndWorksOn) {
  begin(300);
  Process run = start({"--workers", "2"});
  ASSERT_TRUE(reached(1));
  const auto both_at_work = [&] {  // one that has not begun yet holds nothing to take over
    const std::vector<pid_t> all = workers();
    return all.size() == 2 && results_of(all[0]) > 0 && results_of(all[1]) > 0;
  };
  ASSERT_TRUE(eventually(both_at_work));
  const pid_t zombie = stop_one();
  damaged();
  expect_recovery(20s);
  ASSERT_TRUE(eventually([&] {
    const std::string said = worker_logs();
    return said.find("claimed a suspect") != std::string::npos ||
           said.find("released what a dead worker had not begun") != std::string::npos;
  })) << "nobody took over what it had";
  const int before = results_of(zombie);
  ::kill(zombie, SIGCONT);
  finish(run);
  EXPECT_GT(results_of(zombie), before) << "it did nothing any more";
}

TEST_F(Standstill, AWorkerThatNeverComesBackIsReplaced) {
  begin(40);
  Process run = start();
  ASSERT_TRUE(reached(6));
  const pid_t stuck = stop_one();
  damaged();
  const auto replaced = [&] {
    const std::vector<pid_t> now = workers();
    return !now.empty() && std::find(now.begin(), now.end(), stuck) == now.end();
  };
  ASSERT_TRUE(eventually(replaced, 40s)) << "still there";
  EXPECT_NE(run.err_so_far().find("sends no heartbeat: replacing it"), std::string::npos)
      << run.err_so_far();
  finish(run);
}

}  // namespace
}  // namespace photoscribe::test
