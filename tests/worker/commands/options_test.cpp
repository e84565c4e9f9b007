#include "worker/commands/options.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "common/core/join.h"
#include "common/text/escape.h"
#include "common/text/utf8.h"
#include "tests/support/hanging_mount.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

WorkerOptions options() {
  WorkerOptions made;
  made.redis_url = "unix:/tmp/none.sock";
  made.roots = {"photos=/"};
  return made;
}

TEST(ThreadPlan, SharesPhotosOfACpuOutAmongLanesOfOneThread) {
  const auto plan = [](int threads, int cores, const char* device) {
    WorkerOptions given = options();
    given.threads = threads;
    return plan_threads(given, {device}, cores);
  };
  EXPECT_EQ(plan(0, 1, "cpu").lanes, 1);
  EXPECT_EQ(plan(0, 2, "cpu").lanes, 2);
  EXPECT_EQ(plan(0, 2, "cpu").network, 1);
  EXPECT_EQ(plan(3, 64, "cpu").lanes, 3);
  // Each lane holds the model: many cores share some lanes.
  EXPECT_EQ(plan(0, 64, "cpu").lanes, 8);
  EXPECT_EQ(plan(0, 64, "cpu").network, 8);
  EXPECT_EQ(plan(0, 64, "cuda:0").lanes, 1);
}

TEST(ThreadPlan, ReadsAheadOnEightThreadsOrHalfAsManyAsDecode) {
  const auto plan = [](const char* root, int cores) {
    WorkerOptions given = options();
    given.roots = {root};
    return plan_threads(given, {"cpu"}, cores);
  };
  EXPECT_EQ(plan("photos=/photos", 2).read_ahead, 8);
  EXPECT_EQ(plan("photos=/photos", 64).read_ahead, 32);
  EXPECT_EQ(plan("photos=https://host", 2).read_ahead, 0) << "the threads of connections do";
}

TEST(WorkerOptions, RefuseAPasswordInTheUrlAndSayWhereItBelongs) {
  WorkerOptions given = options();
  given.redis_url = "redis://:hunter2@host:6379";

  const auto endpoint = endpoint_of(given);

  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().code, Errc::usage);
  EXPECT_THAT(endpoint.error().message, HasSubstr("PHOTOSCRIBE_REDIS_PASSWORD"));
  EXPECT_THAT(endpoint.error().message, testing::Not(HasSubstr("hunter2")));
}

TEST(WorkerOptions, TakeThePasswordFromTheEnvironment) {
  setenv("PHOTOSCRIBE_REDIS_PASSWORD", "hunter2", 1);
  const auto endpoint = endpoint_of(options());
  unsetenv("PHOTOSCRIBE_REDIS_PASSWORD");

  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->password, "hunter2");
}

TEST(WorkerOptions, NeedWholeAndDifferentRoots) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{}, {"photos"}, {"=/"}, {"photos="}, {"a=/", "a=/"}}) {
    WorkerOptions given = options();
    given.roots = bad;
    const auto roots = roots_of(given);
    ASSERT_FALSE(roots);
    EXPECT_EQ(roots.error().code, Errc::usage) << roots.error().message;
  }
  WorkerOptions given = options();
  given.roots = {"a=/", "b=/etc", "c=/tmp/../tmp"};
  ASSERT_TRUE(roots_of(given));
  EXPECT_EQ(roots_of(given)->size(), 3U);
  given.roots = {"gone=/nonexistent/folder"};
  EXPECT_EQ(roots_of(given).error().code, Errc::environment);
}

TEST(WorkerOptions, AwaitARootThatIsNotThereBesideOneThatIs) {
  const test::TempDir folder;
  folder.write("a.jpg", "bytes");
  WorkerOptions given = options();
  given.roots = {"here=" + folder.path().string(), "gone=" + folder.file("later")};

  const auto roots = roots_of(given);

  ASSERT_TRUE(roots) << roots.error().message;
  EXPECT_TRUE(roots->at("here").check());
  EXPECT_FALSE(roots->at("gone").check());
  std::filesystem::create_directory(folder.file("later"));
  EXPECT_FALSE(roots->at("gone").check()) << "an empty folder: its archive is not mounted";
  folder.write("later/b.jpg", "bytes");
  EXPECT_TRUE(roots->at("gone").check());
  EXPECT_TRUE(roots->at("gone").open_file("b.jpg"));
  // A supervised worker that is replaced while its only root is away waits for it, too.
  given.roots = {"gone=" + folder.file("much later")};
  given.supervised = true;
  EXPECT_TRUE(roots_of(given));
}

TEST(WorkerOptions, RefuseARootThatDoesNotAnswer) {
  const test::TempDir folder;
  const auto dead = test::HangingMount::over(folder.path().string());
  if (!dead) GTEST_SKIP() << "needs root and /dev/fuse";
  WorkerOptions given = options();
  given.roots = {"a=/", "photos=" + folder.path().string()};

  const auto roots = roots_of(given, std::chrono::milliseconds(50));

  ASSERT_TRUE(roots) << "the other one is there";
  EXPECT_EQ(roots->size(), 2U);
  given.roots = {"photos=" + folder.path().string()};
  const auto alone = roots_of(given, std::chrono::milliseconds(50));
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Errc::environment);
  EXPECT_THAT(alone.error().message, testing::HasSubstr("does not answer"));
}

TEST(WorkerOptions, ReadTheListOfDevices) {
  WorkerOptions given = options();
  EXPECT_THAT(*devices_of(given, {"cuda:0", "cuda:1"}), ElementsAre("cuda:0", "cuda:1"));
  given.devices = "cuda:1,cpu,cuda:1,cuda";
  EXPECT_THAT(*devices_of(given, {"cuda:0", "cuda:1"}), ElementsAre("cuda:1", "cpu", "cuda:0"));
  EXPECT_THAT(devices_of(given, {"cpu"}).error().message, HasSubstr("LibTorch finds cpu"));
  for (const std::string bad : {"", "gpu", "cuda:", "cuda:x", "cpu,,cpu", "cpu,"}) {
    given.devices = bad;
    EXPECT_FALSE(devices_of(given, {"cpu"})) << bad;
  }
}

TEST(WhyNotJoin, SaysWhatTheRunAsksForAndWhatToDo) {
  RunSpec spec;
  spec.settings.model_hash = std::string(64, 'b');
  spec.roots = {"photos"};
  WorkerReport worker;
  worker.model_hash = spec.settings.model_hash;
  worker.roots["photos"] = "";

  EXPECT_FALSE(why_not_join(spec, worker));
  worker.model_hash = "other";
  EXPECT_THAT(
      *why_not_join(spec, worker),
      testing::AllOf(HasSubstr(spec.settings.model_hash.substr(0, 12)), HasSubstr("--model")));
  worker.model_hash = spec.settings.model_hash;
  spec.roots.push_back("disk2");
  EXPECT_THAT(*why_not_join(spec, worker), HasSubstr("--root disk2=FOLDER"));
  spec.settings.preprocessing_version = kPreprocessingVersion + 1;
  EXPECT_THAT(*why_not_join(spec, worker), HasSubstr("preprocessing"));
}

TEST(Quoted, LetsNoNameBreakOrForgeALogLine) {
  EXPECT_EQ(log_value("plain name.jpg"), "\"plain name.jpg\"");
  EXPECT_EQ(log_value("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(log_value("x\nerror msg=1"), "\"x\\nerror msg=1\"");
  EXPECT_EQ(log_value(std::string("\x1b[31m\0", 6)), "\"\\x1b[31m\\x00\"");
  EXPECT_EQ(log_value("caf\xc3\xa9 \xff\xc3"), "\"caf\xc3\xa9 \\xff\\xc3\"");
}

TEST(AsUtf8, ReplacesOnlyWhatIsNotUtf8) {
  EXPECT_EQ(replaced("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(replaced("a\xff"), "a\xef\xbf\xbd");
  EXPECT_TRUE(is_valid_utf8("\xf0\x9f\x93\xb7"));
  for (const std::string bad :
       {"\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
  }
}

}  // namespace
}  // namespace photoscribe
