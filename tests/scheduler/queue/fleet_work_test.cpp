#include "scheduler/queue/fleet_work.h"

#include <gmock/gmock.h>

namespace photoscribe {
namespace {

WorkerReport worker_at(const std::string& name, std::int64_t photos, double cpu_s) {
  WorkerReport made;
  made.name = name;
  made.photos = photos;
  made.cpu_s = cpu_s;
  return made;
}

TEST(FleetWork, CountsOnlyWhatWasDoneSinceTheRunBegan) {
  FleetWork work;
  work.observe({worker_at("old", 1'000, 50)});
  EXPECT_EQ(work.done().photos, 0);

  work.observe({worker_at("old", 1'100, 55), worker_at("new", 10, 3)});
  work.observe({worker_at("new", 40, 6)});  // the old one is gone, and keeps what it did

  EXPECT_EQ(work.done().photos, 140);
  EXPECT_DOUBLE_EQ(work.done().cpu_s, 11);
  EXPECT_DOUBLE_EQ(work.done().photos_per_core_hour(), 140 * 3'600 / 11.0);
}

TEST(FleetWork, LeavesOutWorkersThatDoNotTellOrHaveNothingToDo) {
  FleetWork work;
  work.observe({});
  EXPECT_DOUBLE_EQ(work.done().photos_per_core_hour(), 0);
  work.observe({worker_at("before cpu_s", 500, 0), worker_at("waits", 0, 2)});
  EXPECT_EQ(work.done().photos, 0);
  EXPECT_DOUBLE_EQ(work.done().cpu_s, 0);
}

}  // namespace
}  // namespace photoscribe
