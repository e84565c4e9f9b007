// run_batch() with everything real but the captions: private Redis, worker processes, SQLite,
// files.
#include "scheduler/run/run_batch.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "common/sqlite/database.h"
#include "scheduler/process/process_info.h"
#include "scheduler/store/store.h"
#include "tests/scheduler/run/run_batch_fixture.h"
#include "tests/support/redis_server.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(RunBatch, CaptionsAFolderAndLeavesNoProcessBehind) {
  add_photos(0, 200);
  folder_.write("photos/notes.txt", "not a photo");
  pid_t redis = -1;
  watcher_.act = [&](const RunProgress&) {
    if (redis < 0) redis = private_redis();
  };

  const RunSummary summary = run(request());

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_FALSE(summary.nothing_to_do);
  EXPECT_EQ(summary.total, 200);
  EXPECT_EQ(summary.pending, 0);
  EXPECT_EQ(summary.done + summary.blurred + summary.failed, 200);
  EXPECT_EQ(summary.done_now + summary.blurred_now + summary.failed_now, 200);
  EXPECT_EQ(summary.added, 200);
  ASSERT_EQ(summary.failures.size(), 1U);
  EXPECT_EQ(summary.failures[0].reason, "truncated");
  EXPECT_THAT(summary.failures[0].example, HasSubstr(folder_.file("photos/p")));
  EXPECT_THAT(summary.skipped, Contains(std::pair<std::string, std::int64_t>(".txt", 1)));
  EXPECT_GT(summary.photos_per_s, 0);
  EXPECT_GT(summary.workers_peak_bytes, 0);
  EXPECT_GT(summary.redis_peak_bytes, 0);
  EXPECT_EQ(watcher_.last.pending, 0);
  ASSERT_GT(redis, 0);
  EXPECT_FALSE(identify_process(redis));
  EXPECT_TRUE(workers().empty());
}

TEST_F(RunBatch, StartsWorkersAgainThatAreKilledAndBlamesNobody) {
  add_photos(0, 300);
  int kills = 0;
  watcher_.act = [&](const RunProgress& now) {
    if (kills < 3 && now.done > kills * 20) {
      for (const pid_t pid : workers()) ::kill(pid, SIGKILL);
      if (++kills == 3) hurry();
    }
  };

  const RunSummary summary = run(slow_request());

  EXPECT_EQ(kills, 3);
  EXPECT_GE(summary.worker_restarts, 3);
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total, 300);
  ASSERT_EQ(summary.failures.size(), 1U);  // the truncated ones, and no crashed_worker
  EXPECT_EQ(summary.failures[0].reason, "truncated");
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("was killed by signal 9: restarting it")));
}

TEST_F(RunBatch, CondemnsThePhotoThatKillsEveryWorkerAndFinishesTheRest) {
  add_photos(0, 30);
  RunRequest poisoned = request();
  poisoned.worker_arguments = {"--poison", "5"};

  const RunSummary summary = run(poisoned);

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.worker_restarts, 3);
  ASSERT_EQ(summary.failures.size(), 2U);
  EXPECT_EQ(summary.failures[1].reason, "crashed_worker");
  EXPECT_EQ(summary.failures[1].count, 1);
}

TEST_F(RunBatch, StopsWithTheLogsLastLinesWhenWorkersKeepEnding) {
  add_photos(0, 10);
  RunRequest broken = request();
  broken.worker_arguments = {"--exit", "3"};
  fs::create_directory(folder_.file("archive.db.state"));
  folder_.write("archive.db.state/worker-1.log", "the complaint of an earlier run\n");
  StopHandle stop;

  const Expected<RunSummary> summary = run_batch(broken, watcher_, stop);

  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Errc::environment);
  EXPECT_THAT(summary.error().message, HasSubstr("exit status 3"));
  EXPECT_THAT(summary.error().message, HasSubstr("worker-1.log"));
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("cannot find the model")));
  EXPECT_THAT(watcher_.events, testing::Not(Contains(HasSubstr("earlier run"))));
}

TEST_F(RunBatch, DoesNotRepeatWhatAWorkerRefuses) {
  add_photos(0, 10);
  RunRequest refused = request();
  refused.worker_arguments = {"--exit", "2"};
  StopHandle stop;

  const Expected<RunSummary> summary = run_batch(refused, watcher_, stop);

  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Errc::usage);
  EXPECT_THAT(summary.error().message, HasSubstr("refused its arguments"));
}

TEST_F(RunBatch, DrainsAtTheFirstRequestAndGoesOnAtTheNextStart) {
  add_photos(0, 300);
  StopHandle stop;
  watcher_.act = [&](const RunProgress& now) {
    if (now.done > 20 && stop.requests() == 0) stop.request();
  };

  const Expected<RunSummary> first = run_batch(slow_request(), watcher_, stop);
  ASSERT_TRUE(first) << first.error().message;
  watcher_.act = nullptr;
  const RunSummary second = run(request());

  EXPECT_EQ(first->end, RunEnd::stopped);
  EXPECT_GT(first->pending, 0);
  EXPECT_EQ(second.end, RunEnd::complete);
  EXPECT_EQ(second.done_now + second.blurred_now + second.failed_now, first->pending);
  EXPECT_EQ(second.total, 300);
}

TEST_F(RunBatch, EndsAtOnceAtTheSecondRequest) {
  add_photos(0, 100);
  StopHandle stop;
  watcher_.act = [&](const RunProgress& now) {
    if (now.done > 0 && stop.requests() == 0) {
      stop.request();
      stop.request();
    }
  };
  RunRequest slow = request();
  slow.worker_arguments = {"--slow-ms", "100"};

  const Expected<RunSummary> summary = run_batch(slow, watcher_, stop);

  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->end, RunEnd::killed);
  EXPECT_TRUE(workers().empty());
}

TEST_F(RunBatch, SurvivesTheDeathOfItsPrivateRedis) {
  add_photos(0, 300);
  bool killed = false;
  watcher_.act = [&](const RunProgress& now) {
    if (killed || now.done < 20) return;
    killed = true;
    ::kill(private_redis(), SIGKILL);
    hurry();
  };

  const RunSummary summary = run(slow_request());

  EXPECT_TRUE(killed);
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total, 300);
  EXPECT_EQ(summary.pending, 0);
  EXPECT_THAT(watcher_.events, Contains(HasSubstr("private redis-server ended")));
}

TEST_F(RunBatch, SaysThatAReaderKeepsWhatWasWrittenOutOfTheFile) {
  add_photos(0, 40);
  run(request());
  add_photos(40, 80);
  Expected<sqlite::Database> reader =
      sqlite::Database::open(folder_.file("archive.db"), sqlite::Mode::read_only);
  ASSERT_TRUE(reader);
  reader->execute("BEGIN");
  reader->execute("SELECT count(*) FROM image");  // from now on it sees this state

  const RunSummary held = run(request());
  reader->execute("COMMIT");
  add_photos(80, 81);
  const RunSummary free = run(request());

  ASSERT_EQ(held.notes.size(), 1U);
  EXPECT_THAT(held.notes.front(), HasSubstr("archive.db-wal"));
  EXPECT_TRUE(free.notes.empty());
}

TEST_F(RunBatch, UsesAServerThatIsNamedAndLeavesNothingThere) {
  add_photos(0, 50);
  RedisServer server;
  RunRequest elsewhere = request();
  elsewhere.redis_url = server.url();

  const RunSummary summary = run(elsewhere);

  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.redis_peak_bytes, 0);
  EXPECT_EQ(server.command({"KEYS", "*"}), "[]");
}

TEST_F(RunBatch, RefusesASecondSchedulerOnTheSameDatabase) {
  add_photos(0, 5);
  const Expected<Store> first = Store::open_writer(folder_.file("archive.db"));
  ASSERT_TRUE(first) << first.error().message;
  StopHandle stop;

  const Expected<RunSummary> second = run_batch(request(), watcher_, stop);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::store_locked);
}

TEST_F(RunBatch, ScoresCaptionsAgainstReferences) {
  add_photos(0, 5);
  std::string tokens;
  for (int photo = 0; photo < 5; ++photo) {
    for (int n = 0; n < 5; ++n) {
      tokens += "p" + std::to_string(photo) + ".jpg#" + std::to_string(n) + "\tphoto " +
                std::to_string(n) + " here now .\n";
    }
  }
  RunRequest scored = request();
  scored.references_file = folder_.write("tokens.txt", tokens);

  const RunSummary summary = run(scored);

  ASSERT_TRUE(summary.bleu);
  EXPECT_EQ(summary.bleu->photos, 5);
  EXPECT_GT(summary.bleu->bleu[0], 0.1);
}

TEST_F(RunBatch, TakesOnlyThePhotosOfASplit) {
  add_photos(0, 20);
  RunRequest split = request();
  split.split_file = folder_.write("dev.txt", "p3.jpg\np4.jpg\n");

  EXPECT_EQ(run(split).total, 2);
}

TEST_F(RunBatch, TakesNoMorePhotosThanTheLimit) {
  add_photos(0, 20);
  RunRequest few = request();
  few.limit = 7;

  EXPECT_EQ(run(few).total, 7);
}

TEST_F(RunBatch, StopsAWorkerThatAKilledRunLeftBehindHanging) {
  add_photos(0, 20);
  fs::create_directory(folder_.file("archive.db.state"));
  const pid_t hanging = ::fork();
  const std::string name = program_name(PHOTOSCRIBE_FAKE_WORKER);
  if (hanging == 0) {
    ::prctl(PR_SET_NAME, name.c_str());
    for (;;) ::pause();
  }
  while (program_name_of(hanging) != name) ::usleep(1'000);
  folder_.write("archive.db.state/workers.process", to_line(*identify_process(hanging)) + "\n");

  run(request());

  int status = 0;
  EXPECT_EQ(::waitpid(hanging, &status, 0), hanging);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(fs::exists(folder_.file("archive.db.state/workers.process")));
}

TEST_F(RunBatch, KilledWithoutWarningLeavesNoProcessAndLosesNothing) {
  add_photos(0, 300);
  RunRequest slow = slow_request();
  slow.workers = 2;
  const pid_t child = ::fork();
  if (child == 0) {
    Watcher quiet;
    StopHandle stop;
    (void)run_batch(slow, quiet, stop);
    ::_exit(0);
  }
  const auto until = [](const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < limit) ::usleep(2'000);
    return condition();
  };
  const auto recorded = [&] {
    const auto store = Store::open_reader(folder_.file("archive.db"));
    if (!store) return std::int64_t{0};
    const auto row = const_cast<Store&>(*store).find_run("default");
    if (!row || !row->has_value()) return std::int64_t{0};
    const auto counts = const_cast<Store&>(*store).counts((*row)->id);
    return counts ? counts->asked.done : 0;
  };
  ASSERT_TRUE(until([&] { return recorded() > 30; }));
  const pid_t redis = private_redis();

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  EXPECT_TRUE(until([&] { return workers().empty(); }));
  EXPECT_TRUE(until([&] { return !identify_process(redis); }));
  const RunSummary summary = run(request());
  EXPECT_EQ(summary.end, RunEnd::complete);
  EXPECT_EQ(summary.total, 300);
  EXPECT_EQ(summary.pending, 0);
  EXPECT_LT(summary.done_now, 280);  // what was recorded is not done again
}

}  // namespace
}  // namespace photoscribe::test
