// The photos' storage fails or goes away in the middle of a run, and comes back.
#include <signal.h>
#include <sys/mount.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "tests/chaos/chaos.h"
#include "tests/chaos/small_disk.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class Storage : public Chaos {
 protected:
  [[nodiscard]] bool logs_say(const std::string& what) const {
    return eventually([&] { return worker_logs().find(what) != std::string::npos; });
  }
};

TEST_F(Storage, ThatAnswersWithIoErrorsIsWaitedForAndNoPhotoFails) {
  begin(120);  // more than a worker has read when the storage goes
  Orders orders(folder_.file("orders"));
  const Environment preload("LD_PRELOAD", PHOTOSCRIBE_CHAOS_PRELOAD);
  const Environment file(kPreloadVariable, orders.file());
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 10)));

  orders->photos_fail = 1;
  ASSERT_TRUE(logs_say("handing this root's tasks back")) << worker_logs();
  // It tries again, and again is told no.
  const auto so_far = orders->failed_reads;
  ASSERT_TRUE(eventually([&] { return orders->failed_reads > so_far + 3; }));
  EXPECT_EQ(count("state = 'failed'"), "0");

  damaged();
  orders->photos_fail = 0;
  expect_recovery(30s);
  finish(run);
}

/// The photos are a file system of their own, mounted where the run looks for them.
class Unmounted : public Storage {
 protected:
  void begin_mounted(int photos) {
    store_ = folder_.file("store");
    fs::create_directory(store_);
    std::optional<SmallDisk> made = SmallDisk::over(store_, 32);
    if (made) disk_.emplace(std::move(*made));
    if (!disk_ || !mount_photos())
      GTEST_SKIP() << "mounting is not allowed here: a root that goes away is NOT tested";
    begin(photos);
  }
  bool mount_photos() {
    return ::mount(store_.c_str(), photos().c_str(), nullptr, MS_BIND, nullptr) == 0;
  }
  void unmount_photos() { ASSERT_EQ(::umount2(photos().c_str(), MNT_DETACH), 0); }
  void TearDown() override {
    ::umount2(photos().c_str(), MNT_DETACH);
    Storage::TearDown();
    disk_.reset();
  }

 private:
  std::string store_;
  std::optional<SmallDisk> disk_;
};

TEST_F(Unmounted, InMidRunIsWaitedForAndNoPhotoFails) {
  begin_mounted(120);
  if (IsSkipped()) return;
  Process run = start();
  ASSERT_TRUE(reached(pick(3, 8)));
  unmount_photos();
  // A worker that has the folder open reads on; the next one finds an empty folder.
  for (const pid_t worker : workers()) ::kill(worker, SIGKILL);
  ASSERT_TRUE(logs_say("root is not there")) << worker_logs();
  const int then = results();
  EXPECT_EQ(count("state = 'failed'"), "0");
  EXPECT_LT(then, photo_count());

  damaged();
  ASSERT_TRUE(mount_photos());
  expect_recovery(60s);
  finish(run);
}

}  // namespace
}  // namespace photoscribe::test
