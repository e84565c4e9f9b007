// queue_fixture: a private server with one run made on it, and shorthands to call the queue.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/redis/connection.h"
#include "common/redis/identity.h"
#include "common/redis/scheduler_queue.h"
#include "common/redis/worker_queue.h"
#include "tests/support/blur_scores.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"

namespace photoscribe::redis {

constexpr std::uint64_t kFence = 11;

class QueueTest : public ::testing::Test {
 protected:
  explicit QueueTest(test::RedisOptions options = {}) : server(std::move(options)) {
    const Status connected = test::run(io, connection.connect());
    if (!connected) throw std::runtime_error(connected.error().message);
    make();
  }

  void make() { ok(queue.make_run(listing(), spec(), kFence)); }

  RunListing listing() const {
    RunListing run;
    run.incarnation = inc;
    run.name = "archive of 2026";
    return run;
  }
  static RunSpec spec() {
    RunSpec spec;
    spec.run = "archive of 2026";
    spec.settings.model_hash = std::string(64, 'a');
    spec.roots = {"photos"};
    return spec;
  }
  static Task task(std::int64_t image, std::string path = "a.jpg") {
    Task task;
    task.image_id = image;
    task.root = "photos";
    task.path = std::move(path);
    return task;
  }
  /// Enqueues images `first` … `last`.
  void fill(std::int64_t first, std::int64_t last) {
    std::vector<Task> tasks;
    for (std::int64_t image = first; image <= last; ++image) tasks.push_back(task(image));
    ASSERT_EQ(ok(queue.enqueue(inc, kFence, tasks)), EnqueueOutcome::all);
  }
  std::vector<EntryId> ids_of(const std::vector<Delivery>& deliveries) {
    std::vector<EntryId> ids;
    for (const Delivery& delivery : deliveries) ids.push_back(delivery.id);
    return ids;
  }
  /// Reads `count` tasks in the name of `consumer`.
  std::vector<Delivery> take(const std::string& consumer, int count) {
    return ok(worker_queue.read_tasks(inc, consumer, count));
  }
  static std::string packed(std::int64_t image) {
    ResultBatch batch;
    batch.worker = "w";
    Result result;
    result.image_id = image;
    result.outcome = Blurred{};
    result.blur_scores = test::every_mode(12.5);
    batch.results.push_back(std::move(result));
    return encode_results(batch);
  }

  /// The value; throws (so that the test fails) when the operation did not succeed.
  template <class T>
  T ok(Awaitable<T> work) {
    Expected<T> result = test::run(io, std::move(work));
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  template <class T>
  Errc error(Awaitable<T> work) {
    Expected<T> result = test::run(io, std::move(work));
    if (result) throw std::runtime_error("succeeded");
    return result.error().code;
  }
  std::string key(const std::string& name) const { return "photoscribe:{" + inc + "}:" + name; }

  test::RedisServer server;
  boost::asio::io_context io;
  Connection connection{io.get_executor(), *parse_endpoint(server.url())};
  SchedulerQueue queue{connection};
  WorkerQueue worker_queue{connection};
  const std::string inc = new_incarnation();
};

}  // namespace photoscribe::redis
