// Reads that wait for their storage: more threads read ahead, and no more of them decode.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/worker/pipeline/pipeline_fixture.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {
namespace {

PipelineConfig ahead_config(int decoders, int ahead) {
  PipelineConfig made = config(4, decoders);
  made.read_ahead = ahead;
  return made;
}

/// Storage of which nobody gets anything before so many ask at the same time; the first who asks
/// waits for nobody.
class CrowdStorage {
 public:
  explicit CrowdStorage(int crowd) : crowd_(crowd) {}
  void read() {
    std::unique_lock lock(mutex_);
    if (!std::exchange(begun_, true)) {
      const long before = waits_so_far();  // it does give up its core
      while (waits_so_far() == before) changed_.wait_for(lock, 1ms);
      return;
    }
    most_ = std::max(most_, ++reading_);
    changed_.notify_all();
    changed_.wait_for(lock, 60s, [this] { return most_ >= crowd_; });
    --reading_;
  }
  [[nodiscard]] int most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  static long waits_so_far() {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw;
  }
  const int crowd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  int reading_ = 0, most_ = 0;
};

TEST(PipelineReadAhead, Issue17ReadsOthersWhileReadsWaitForTheirStorage) {
  FakeDevice device;
  Outlet outlet;
  CrowdStorage storage(4);
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    storage.read();
    return loader_of()(job, buffer, on_decode);
  };
  Pipeline pipeline(ahead_config(1, 3), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 12));

  ASSERT_TRUE(outlet.await_results(12));
  EXPECT_EQ(storage.most(), 4);
  for (int id = 20; id < 32; ++id) EXPECT_EQ(outlet.outcome(id), "value " + std::to_string(id));
}

TEST(PipelineReadAhead, Issue17DecodesNoMorePhotosAtATimeForIt) {
  FakeDevice device;
  Outlet outlet;
  CrowdStorage storage(4);
  std::atomic<int> decoding{0}, most{0};
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    storage.read();
    on_decode();
    const int now = ++decoding;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(2ms);
    --decoding;
    return loader_of()(job, buffer, [] {});
  };
  Pipeline pipeline(ahead_config(1, 3), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 12));

  ASSERT_TRUE(outlet.await_results(12));
  EXPECT_EQ(most, 1);
}

// Such as all that are in the page cache.
TEST(PipelineReadAhead, Issue17LeavesReadsThatWaitForNothingToTheDecoders) {
  FakeDevice device;
  Outlet outlet;
  std::map<std::thread::id, int> reads;
  std::mutex mutex;
  const Loader loader = [&](const Job&, FileBuffer&, const OnDecode& on_decode) -> LoadStep {
    on_decode();
    const std::lock_guard lock(mutex);
    ++reads[std::this_thread::get_id()];
    return LoadOutcome(LoadFailed{{Reason::empty, ""}, {}, {}});
  };
  Pipeline pipeline(ahead_config(1, 3), factory_of(device), loader, outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  for (int round = 0; round < 10; ++round) pipeline.submit(jobs(20 + 10 * round, 10));

  ASSERT_TRUE(outlet.await_results(100));
  int most = 0;
  for (const auto& [thread, count] : reads) most = std::max(most, count);
  EXPECT_GE(most, 80) << "a stray wait wakes the others for a few reads";
}

// A thread that hangs is replaced by one of its kind.
TEST(PipelineReadAhead, Issue17GoesOnReadingAheadAfterReadsThatHang) {
  FakeDevice device;
  Outlet outlet;
  CrowdStorage storage(4);
  std::promise<void> go;
  const std::shared_future<void> gate = go.get_future().share();
  std::atomic<int> hanging{0};
  const Loader loader = [&](const Job& job, FileBuffer& buffer, const OnDecode& on_decode) {
    if (job.task.image_id < 24 && job.task.image_id > 20) {
      ++hanging;
      gate.wait();
    }
    storage.read();
    return loader_of()(job, buffer, on_decode);
  };
  Pipeline pipeline(ahead_config(1, 3), factory_of(device), loader, outlet.events());
  const std::shared_ptr<void> let_go(nullptr, [&go](void*) { go.set_value(); });
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(20, 4));  // the first waits, and wakes the others
  ASSERT_TRUE(outlet.await([&] { return hanging == 3; }));

  for (const InWork& work : pipeline.in_work()) {
    if (work.stage == Stage::reading) {
      EXPECT_TRUE(pipeline.leave_behind(work));
    }
  }
  pipeline.submit(jobs(24, 12));

  EXPECT_TRUE(outlet.await_results(13));
  EXPECT_EQ(storage.most(), 4);
}

TEST(ReadWaits, AreOftenFromTheFirstOnAndWhileAQuarterOfTheReadsWait) {
  ReadWaits waits;
  waits.note(false);
  EXPECT_FALSE(waits.often());
  waits.note(true);
  EXPECT_TRUE(waits.often());
  for (int i = 0; i < 40; ++i) waits.note(i % 3 == 0);
  EXPECT_TRUE(waits.often());
  for (int i = 0; i < 16; ++i) waits.note(false);
  EXPECT_FALSE(waits.often()) << "all is in the page cache by now";
}

}  // namespace
}  // namespace photoscribe
