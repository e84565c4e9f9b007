// Reported: while Redis was out of memory, living workers were taken for dead, and photos in hand
// claimed and charged.
#include "tests/worker/queue/consumer_fixture.h"

namespace photoscribe {
namespace {

class ConsumerFaults : public ConsumerTest {};

// Out of memory Redis refuses beats, and lets a claim pass (protocol.md H12).
TEST_F(ConsumerFaults, JudgesNobodyWhileRedisTakesNoWrites) {
  RunSpec patient = spec();
  patient.lease.lease_ms = 500;  // a busy machine may keep a heart from beating for some time
  const std::string run = make_run(1, patient);
  Gate gate;
  RunningWorker busy = worker([&](const Task& task) {
    gate.pass();
    return clear_photo(task);
  });
  ASSERT_TRUE(eventually([&] { return gate.waiting() == 1; }));
  RunningWorker other = worker();
  ASSERT_TRUE(eventually([&] { return ok(queue.holders(run)).size() == 2; }));

  server.command({"CONFIG", "SET", "maxmemory", "1"});
  std::this_thread::sleep_for(2 * std::chrono::milliseconds(patient.lease.lease_ms));
  const auto held = ok(queue.pending_of(run, busy.name(), 10));
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  gate.open();

  ASSERT_EQ(held.size(), 1U) << "it was taken from a worker that lives";
  EXPECT_EQ(held.front().deliveries, 1);
  EXPECT_EQ(await_results(run, 1).size(), 1U);
}

}  // namespace
}  // namespace photoscribe
