// Photos that are put aside while a question about them is on its way.
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <map>
#include <thread>

#include "tests/worker/pipeline/pipeline_fixture.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {
namespace {

/// A loader that asks something of each photo, and remembers what it did in which order, and each
/// thread: N when it begins with photo N, -N when it waits for its answer.
struct AskingLoader {
  Loader loader() {
    return [this](const Job& job, FileBuffer& buffer, const OnDecode&) -> LoadStep {
      note(job.task.image_id);
      const auto outcome = loader_of()(job, buffer, [] {});
      return Unanswered{[this, id = job.task.image_id, outcome](const OnDecode& on_decode) {
        note(-id);
        on_decode();
        return std::get<LoadOutcome>(outcome);
      }};
    };
  }
  void note(std::int64_t what) {
    {
      const std::lock_guard lock(mutex);
      order.push_back(what);
      by_thread[std::this_thread::get_id()].push_back(what);
    }
    on_note(what);
  }
  /// How many photos were begun before the first answer was waited for.
  std::ptrdiff_t ahead() {
    return std::find_if(order.begin(), order.end(), [](auto what) { return what < 0; }) -
           order.begin();
  }
  std::mutex mutex;
  std::vector<std::int64_t> order;
  std::map<std::thread::id, std::vector<std::int64_t>> by_thread;
  std::function<void(std::int64_t)> on_note = [](std::int64_t) {};
};

TEST(PipelineAside, Issue17BeginsWithOtherPhotosBeforeItWaitsForAnAnswer) {
  FakeDevice device;
  Outlet outlet;
  AskingLoader asking;
  Pipeline pipeline(config(4, 1), factory_of(device), asking.loader(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 40));

  ASSERT_TRUE(outlet.await_results(40));
  EXPECT_EQ(asking.ahead(), 16);
  for (int id = 20; id < 60; ++id) EXPECT_EQ(outlet.outcome(id), "value " + std::to_string(id));
}

TEST(PipelineAside, Issue17LeavesOtherThreadsAPhotoEach) {
  FakeDevice device;
  Outlet outlet;
  AskingLoader asking;
  Pipeline pipeline(config(4, 3), factory_of(device), asking.loader(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());

  pipeline.submit(jobs(20, 3));

  ASSERT_TRUE(outlet.await_results(3));
  for (const auto& [thread, notes] : asking.by_thread) {
    for (std::size_t i = 0; i + 1 < notes.size(); i += 2)
      EXPECT_EQ(notes[i + 1], -notes[i]) << "a second photo was begun while others had none";
  }
}

TEST(PipelineAside, Issue17TakesBackWhatWaitsForAnAnswer) {
  FakeDevice device;
  Outlet outlet;
  AskingLoader asking;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  asking.on_note = [&](std::int64_t what) {
    if (what != -20) return;
    entered.set_value();
    gate.wait();
  };
  Pipeline pipeline(config(4, 1), factory_of(device), asking.loader(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(20, 5));
  entered.get_future().wait();  // the others are put aside by then

  const auto back = pipeline.take_back([](const Job& job) { return job.task.image_id % 2 == 1; });
  go.set_value();

  EXPECT_EQ(back.size(), 2U);
  ASSERT_TRUE(outlet.await_results(3));
  pipeline.submit(jobs(30, 1));
  ASSERT_TRUE(outlet.await_results(4)) << "a batch does not wait for what was taken back";
  EXPECT_EQ(outlet.outcome(21), "none");
}

TEST(PipelineAside, Issue17WhatAThreadThatHangsHasPutAsideIsBegunAnew) {
  FakeDevice device;
  Outlet outlet;
  AskingLoader asking;
  std::promise<void> entered, go;
  const std::shared_future<void> gate = go.get_future().share();
  asking.on_note = [&](std::int64_t what) {
    if (what != 24) return;
    entered.set_value();
    gate.wait();
  };
  Pipeline pipeline(config(4, 1), factory_of(device), asking.loader(), outlet.events());
  ASSERT_TRUE(pipeline.wait_ready());
  pipeline.submit(jobs(20, 8));
  entered.get_future().wait();
  const auto busy = pipeline.in_work();
  ASSERT_EQ(busy.size(), 1U);

  EXPECT_TRUE(pipeline.leave_behind(busy[0]));

  ASSERT_TRUE(outlet.await_results(7));
  go.set_value();
  EXPECT_EQ(outlet.outcome(20), "value 20");
  EXPECT_EQ(outlet.outcome(27), "value 27");
  EXPECT_EQ(outlet.outcome(24), "none") << "given up: it is another worker's now";
}

}  // namespace
}  // namespace photoscribe
