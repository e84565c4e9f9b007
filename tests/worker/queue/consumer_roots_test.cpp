// Storage that is gone, hangs or fails: what it stops, and what goes on.
#include <filesystem>

#include "tests/support/hanging_mount.h"
#include "tests/worker/queue/captured_log.h"
#include "tests/worker/queue/consumer_fixture.h"
#include "worker/photo/load_task.h"

namespace photoscribe {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

class ConsumerRoots : public ConsumerTest {
 protected:
  ConsumerRoots() {
    std::filesystem::create_directory(shaky_folder);
    std::filesystem::create_directory(sound_folder);
    for (const char* folder : {"shaky", "sound"}) {  // an empty one would pass for not mounted
      server.folder().write(std::string(folder) + "/photo.jpg", "bytes");
    }
    roots.clear();
    roots.emplace("shaky", *PhotoRoot::open("shaky", shaky_folder));
    roots.emplace("sound", *PhotoRoot::open("sound", sound_folder));
  }
  static RunSpec spec_of(std::vector<std::string> names) {
    RunSpec made = spec();
    made.roots = std::move(names);
    return made;
  }
  RunningWorker start(Loader loader, RootSettings settings = patience_of_a_test()) {
    return RunningWorker(server.url(), device, std::move(loader), roots, std::move(settings));
  }
  /// Opens the photo's root as load_task does, and then makes pixels up.
  Loader touching_the_root() {
    return [this](const Job& job, FileBuffer&, const OnDecode& on_decode) -> LoadOutcome {
      if (const Status alive = roots.at(job.task.root).check(); !alive) {
        return Fault{FaultOf::storage, alive.error().message};
      }
      on_decode();
      return clear_photo(job.task);
    };
  }
  /// With shaky storage that hangs until `answer()`: its run waits, the other one is done.
  void expect_only_that_root_stops(Loader loader, RootSettings settings,
                                   const std::function<void()>& answer) {
    CapturedLog log;
    RunSpec impatient = spec_of({"shaky"});
    impatient.settings.limits.image_timeout_s = 1;
    const auto stopped = make_run(12, impatient);
    const auto going = make_run(12, spec_of({"sound"}));
    RunningWorker one = start(std::move(loader), std::move(settings));

    EXPECT_THAT(await_results(going, 12), Each(Pair(testing::_, StartsWith("value"))));
    EXPECT_TRUE(eventually([&] { return pending(stopped) == 0; })) << "handed back";
    EXPECT_TRUE(log.contains("root does not answer")) << log.text();
    enqueue(going, 13, 40, "sound");
    EXPECT_EQ(await_results(going, 40).size(), 40U) << "and later work is done, too";
    EXPECT_THAT(results(stopped), IsEmpty());
    EXPECT_EQ(pending(stopped), 0);
    EXPECT_EQ(ok(queue.holders(stopped)).size(), 1U) << "it has not left, nor ended";

    answer();

    EXPECT_THAT(await_results(stopped, 12), Each(Pair(testing::_, StartsWith("value"))));
    EXPECT_EQ(one.stop().code, kExitStopped);
  }

  const std::string shaky_folder = server.folder().file("shaky");
  const std::string sound_folder = server.folder().file("sound");
};

TEST_F(ConsumerRoots, AMountThatHangsStopsOnlyItsOwnPhotos) {
  auto dead = test::HangingMount::over(shaky_folder);
  if (!dead) GTEST_SKIP() << "needs root and /dev/fuse";
  expect_only_that_root_stops(touching_the_root(), patience_of_a_test(), [&] { dead->release(); });
}

// The same everywhere: calls that block without any mount.
TEST_F(ConsumerRoots, StorageThatHangsStopsOnlyItsOwnPhotos) {
  const auto storage = std::make_shared<Gate>();  // threads may outlive the test's end
  RootSettings settings = patience_of_a_test();
  settings.check = [storage](const PhotoRoot& root) {
    if (root.name() == "shaky") storage->pass();
    return root.check();
  };
  const Loader loader = [storage](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    if (job.task.root == "shaky") storage->pass();
    on_decode();
    return clear_photo(job.task);
  };
  expect_only_that_root_stops(loader, settings, [&] { storage->open(); });
}

TEST_F(ConsumerRoots, StopsAtOnceWhileStorageHangs) {
  auto dead = test::HangingMount::over(shaky_folder);
  if (!dead) GTEST_SKIP() << "needs root and /dev/fuse";
  CapturedLog log;
  const auto run = make_run(30, spec_of({"shaky"}));
  RunningWorker one = start(touching_the_root());
  ASSERT_TRUE(eventually([&] { return log.contains("root does not answer"); }));

  one.request_stop(1h);
  EXPECT_TRUE(
      eventually([&] { return log.contains("stopping") && ok(queue.holders(run)).empty(); }));

  EXPECT_EQ(tasks_left(run), 30);
  dead->release();  // its destructor waits for threads
}

TEST_F(ConsumerRoots, ADeadRootStopsOnlyItsOwnRun) {
  const std::string away = server.folder().file("away");
  std::filesystem::rename(shaky_folder, away);
  const auto stopped = make_run(10, spec_of({"shaky"}));
  const auto going = make_run(60, spec_of({"sound"}));
  RunningWorker one = start(touching_the_root());

  EXPECT_EQ(await_results(going, 60).size(), 60U);
  EXPECT_TRUE(eventually([&] { return pending(stopped) == 0; }));
  EXPECT_THAT(results(stopped), IsEmpty());
  std::filesystem::rename(away, shaky_folder);

  EXPECT_EQ(await_results(stopped, 10).size(), 10U);
}

TEST_F(ConsumerRoots, GoesOnWithTheOtherRootOfTheSameRun) {
  const std::string away = server.folder().file("away");
  std::filesystem::rename(shaky_folder, away);
  const auto run = make_run(40, spec_of({"shaky", "sound"}));  // 1 to 40 are in the dead root
  enqueue(run, 41, 60, "sound");
  RunningWorker one = start(touching_the_root());

  const auto some = await_results(run, 20);
  EXPECT_EQ(some.begin()->first, 41);
  std::filesystem::rename(away, shaky_folder);

  EXPECT_EQ(await_results(run, 60).size(), 60U);
}

// An answer of one root was once taken for an answer of every root, for ever.
TEST_F(ConsumerRoots, AnAnswerOfOneRootSaysNothingAboutAnother) {
  const auto storage = std::make_shared<Gate>();
  RootSettings settings = patience_of_a_test();
  settings.check = [storage](const PhotoRoot& root) {
    if (root.name() == "shaky") storage->pass();
    return root.check();
  };
  std::atomic<bool> slow_read_done{false};
  const Loader loader = [&, storage](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    if (job.task.root == "shaky") {
      storage->pass();
    } else if (!slow_read_done.exchange(true)) {
      std::this_thread::sleep_for(200ms);  // long enough for a look at its root, which answers
    }
    on_decode();
    return clear_photo(job.task);
  };
  RunSpec impatient = spec_of({"shaky"});
  impatient.settings.limits.image_timeout_s = 1;
  const auto sound = make_run(1, spec_of({"sound"}));
  CapturedLog log;
  RunningWorker one = start(loader, settings);
  ASSERT_EQ(await_results(sound, 1).at(1), "value 101");
  const auto shaky = make_run(2, impatient);
  ASSERT_TRUE(eventually([&] { return log.contains("root does not answer"); }));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() - begin > 1'200ms; }));

  EXPECT_THAT(results(shaky), IsEmpty()) << "nobody says that its photos are to blame";
  storage->open();
  EXPECT_EQ(await_results(shaky, 2).at(2), "value 102");
}

TEST_F(ConsumerRoots, AReadThatHangsUnderALivingRootIsThePhotosFault) {
  Gate gate;
  const Loader loader = [&](const Job& job, FileBuffer&, const OnDecode& on_decode) {
    if (job.task.image_id == 2) gate.pass();
    on_decode();
    return clear_photo(job.task);
  };
  RunSpec impatient = spec_of({"shaky"});
  impatient.settings.limits.image_timeout_s = 1;
  const auto run = make_run(3, impatient);
  RunningWorker one = start(loader);

  EXPECT_EQ(one.wait().code, kExitReplaceMe);
  EXPECT_EQ(results(run).at(2), "timeout");
  gate.open();
}

TEST_F(ConsumerRoots, DoesNotBlameTheRootWhenMemoryIsShort) {
  const auto run = make_run(40, spec_of({"sound"}));
  CapturedLog log;
  RunningWorker one =
      start([](const Job& job, FileBuffer&, const OnDecode& on_decode) -> LoadOutcome {
        if (job.task.image_id == 5) return Fault{FaultOf::memory, "load 5.jpg: no memory left"};
        on_decode();
        return clear_photo(job.task);
      });
  for (int i = 41; i <= 400 && results(run).count(5) == 0; i += 10) {
    enqueue(run, i, i + 9, "sound");
    (void)await_results(run, static_cast<std::size_t>(i));
  }

  EXPECT_EQ(results(run).at(5), "too_large");
  EXPECT_FALSE(log.contains("handing this root's tasks back"));
}

}  // namespace
}  // namespace photoscribe
