// The database as a file: one writer, readers, kill -9, a full disk, copies.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "scheduler/store/check_run.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using StoreFile = StoreTest;

std::vector<FoundFile> many(int first, int count) {
  std::vector<FoundFile> files;
  for (int i = first; i < first + count; ++i) files.push_back(file(std::to_string(i) + ".jpg"));
  return files;
}

TEST_F(StoreFile, HasOneWriter) {
  const auto second = Store::open_writer(database());

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::store_locked);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
  EXPECT_THAT(second.error().message, HasSubstr("archive.db"));
}

TEST_F(StoreFile, IsReadWhileItIsWritten) {
  scan(many(0, 3));
  auto reader = must(Store::open_reader(database()));

  EXPECT_EQ(must(reader.counts(run())).asked.pending, 3);
  record({blurred(take()[0])});
  EXPECT_EQ(must(reader.counts(run())).asked.blurred, 1);
  EXPECT_EQ(reader.retry_failed(run()).error().code, Errc::store_failure);
  EXPECT_EQ(must(reader.find_run("default"))->id, run());
}

TEST_F(StoreFile, IsNotMadeByAReader) {
  const std::string absent = folder_.file("absent.db");

  const auto refused = Store::open_reader(absent);

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("photoscribe run"));
  EXPECT_FALSE(std::filesystem::exists(absent));
}

TEST_F(StoreFile, IsRefusedWhenItIsNoDatabase) {
  const std::string text = folder_.write("notes.db", std::string(3000, 'n'));

  EXPECT_EQ(Store::open_writer(text).error().code, Errc::store_failure);
  EXPECT_EQ(std::filesystem::file_size(text), 3000U);
  EXPECT_FALSE(std::filesystem::exists(text + ".lock"));
}

TEST_F(StoreFile, CopiesItselfWhileARunGoesOn) {
  scan(many(0, 3));
  record({captioned(take()[0], "a dog")});

  must(copy_database(database(), folder_.file("copy.db")));

  EXPECT_EQ(plain_rows(folder_.file("copy.db"), "SELECT * FROM caption_result"),
            plain_rows(database(), "SELECT * FROM caption_result"));
  EXPECT_EQ(copy_database(database(), folder_.file("copy.db")).error().code, Errc::usage);
}

/// Runs `work` in a child process and kills it some time after its first acknowledged step.
class KilledChild : public StoreTest {
 protected:
  /// The number of steps that the child said it had done. `work` calls its argument after each.
  int kill_during(int microseconds, const std::function<void(const std::function<void()>&)>& work) {
    int pipe_ends[2];
    EXPECT_EQ(::pipe(pipe_ends), 0);
    store_.reset();  // the child is the writer now
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe_ends[0]);
      try {
        work([&] {
          if (::write(pipe_ends[1], "+", 1) != 1) ::_exit(2);
        });
      } catch (const std::exception& e) {
        std::fprintf(stderr, "child: %s\n", e.what());
      }
      ::_exit(1);
    }
    ::close(pipe_ends[1]);
    int steps = 0;
    char byte = 0;
    while (::read(pipe_ends[0], &byte, 1) == 1) {
      if (++steps == 1) {
        ::usleep(static_cast<useconds_t>(microseconds));  // anywhere in a step: all must hold
        ::kill(child, SIGKILL);
      }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    ::close(pipe_ends[0]);
    reopen();
    return steps;
  }
};

TEST_F(KilledChild, LosesNoBatchThatWasAcknowledgedAndKeepsNoHalfOne) {
  constexpr int kBatch = 2000;
  int files_acknowledged = 0;
  for (const int microseconds : {0, 3000, 11'000, 40'000}) {
    files_acknowledged +=
        kBatch * kill_during(microseconds, [&](const auto& done) {
          Store own = must(Store::open_writer(database()));
          const auto known = must(own.counts(run())).asked.total();
          Scan pass = must(own.begin_scan(run(), {{"photos", "/archive/photos"}}));
          for (int first = static_cast<int>(known);; first += kBatch) {
            must(pass.add(many(first, kBatch)));
            done();
          }
        });

    const auto stored = counts().asked.total();
    EXPECT_GE(stored, files_acknowledged);
    EXPECT_EQ(stored % kBatch, 0);
    expect_counts_are_true();
    files_acknowledged = static_cast<int>(stored);
  }
  EXPECT_THAT(plain_rows(database(), "PRAGMA integrity_check"), ElementsAre("ok"));
}

TEST_F(KilledChild, RecordsEveryPhotoOnceHoweverOftenItIsKilled) {
  constexpr int kPhotos = 3000;
  scan(many(0, kPhotos));
  for (const int microseconds : {0, 5000, 15'000}) {
    kill_during(microseconds, [&](const auto& done) {
      Store own = must(Store::open_writer(database()));
      for (;;) {
        // As the scheduler does: what is enqueued and unfinished comes again.
        auto tasks = must(own.tasks_of(run(), must(own.unfinished_enqueued(run()))));
        if (tasks.empty()) tasks = must(own.take_tasks(run(), 50));
        std::vector<Result> results;
        for (const Task& task : tasks) results.push_back(captioned(task, "a dog"));
        must(own.record(run(), incoming(results)));
        done();
      }
    });
    expect_counts_are_true();
  }

  const auto left = must(store().tasks_of(run(), must(store().unfinished_enqueued(run()))));
  std::vector<Result> results;
  for (const Task& task : left) results.push_back(captioned(task, "a dog"));
  for (const Task& task : take(kPhotos)) results.push_back(captioned(task, "a dog"));
  record(results);

  EXPECT_EQ(counts().asked.done, kPhotos);
  EXPECT_THAT(plain_rows(database(), "SELECT count(*), count(DISTINCT image_id) FROM result"),
              ElementsAre("3000|3000"));
}

TEST_F(KilledChild, HasJudgedAllCaptionsAgainOrNone) {
  constexpr int kPhotos = 3000;
  RunSettings judged = settings();
  judged.confidence = ConfidenceModel{5, {1}};
  must(store().ensure_run("default", judged));
  scan(many(0, kPhotos));
  std::vector<Result> results;
  for (const Task& task : take(kPhotos)) {
    results.push_back(captioned(task, "a dog"));
    // Confidence 0.88 or 0.27, in turn.
    std::get<Captioned>(results.back().outcome).caption.log_prob = task.image_id % 2 ? -15 : -30;
  }
  record(results);
  for (const int microseconds : {0, 3000, 11'000, 40'000}) {
    kill_during(microseconds, [&](const auto& done) {
      Store own = must(Store::open_writer(database()));
      RunSettings now = must(own.run(run())).settings;
      for (;;) {
        now.min_confidence = now.min_confidence > 0 ? 0 : 0.5;
        now.confidence->bias = now.min_confidence > 0 ? 5.1 : 5;
        must(own.ensure_run("default", now));
        done();
      }
    });

    const bool strict = must(store().run(run())).settings.min_confidence > 0;
    EXPECT_EQ(counts().asked.unsure, strict ? kPhotos / 2 : 0);
    EXPECT_EQ(counts().asked.done + counts().asked.unsure, kPhotos);
    expect_counts_are_true();
    EXPECT_EQ(must(check_run(database(), "default", false)).faults(), 0);
  }
}

TEST_F(KilledChild, KeepsWhatWasCommittedWhenTheDiskFillsUp) {
  store_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);  // writes past the limit fail as on a full disk
    const rlimit limit{2'000'000, 2'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      Store own = must(Store::open_writer(database()));
      Scan pass = must(own.begin_scan(run(), {{"photos", "/archive/photos"}}));
      for (int first = 0; first < 1'000'000; first += 1000) {
        const Status added = pass.add(many(first, 1000));
        if (added) continue;
        const bool said =
            added.error().code == Errc::store_full || added.error().code == Errc::store_failure;
        ::_exit(said && !must(own.counts(run())).asked.total() ? 2 : said ? 0 : 3);
      }
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);

  reopen();

  EXPECT_GT(counts().asked.total(), 0);
  EXPECT_EQ(counts().asked.total() % 1000, 0);
  expect_counts_are_true();
  EXPECT_THAT(plain_rows(database(), "PRAGMA integrity_check"), ElementsAre("ok"));
  must(store().add_event(run(), "info", "test", "space again"));
}

}  // namespace
}  // namespace photoscribe::test
