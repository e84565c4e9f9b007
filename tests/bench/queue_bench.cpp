// queue_bench: tasks per second through the queue alone, on a private redis-server (AOF everysec).
//
//   queue_bench [tasks] [batch] [workers]       defaults 200000 64 2
//
// One scheduler (enqueues 1,000 at a time, reads and deletes results) and `workers` workers (read,
// start, publish one result per task, finish) as coroutines of one thread, each on its own
// connection. Prints the phases apart (enqueue alone; then drain) and both at once, and the
// snapshot of a window.
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "common/core/wire.h"
#include "common/redis/identity.h"
#include "common/redis/scheduler_queue.h"
#include "common/redis/worker_queue.h"
#include "tests/support/blur_scores.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"

namespace photoscribe::redis {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kFence = 1;

struct Bench {
  boost::asio::io_context io;
  std::string incarnation = new_incarnation();
  int tasks = 0, batch = 0, workers = 0;
  int recorded = 0;
};

template <class T>
T need(Expected<T> value) {
  if (!value) {
    std::fprintf(stderr, "queue_bench: %s\n", value.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

std::vector<Task> make_tasks(int first, int count) {
  std::vector<Task> tasks(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    Task& task = tasks[static_cast<std::size_t>(i)];
    task.image_id = first + i;
    task.root = "photos";
    task.path = "2019/08/holiday/IMG_" + std::to_string(100'000 + first + i) + ".jpg";
  }
  return tasks;
}

asio::awaitable<bool> feed(Bench& bench, Connection& connection) {
  SchedulerQueue queue(connection);
  for (int at = 0; at < bench.tasks; at += 1'000) {
    std::vector<Task> tasks = make_tasks(at, std::min(1'000, bench.tasks - at));
    auto done = co_await queue.enqueue(bench.incarnation, kFence, std::move(tasks));
    need(std::move(done));
  }
  co_return true;
}

std::string pack(const std::string& worker, const std::vector<Delivery>& deliveries) {
  ResultBatch batch;
  batch.worker = worker;
  batch.results.reserve(deliveries.size());
  for (const Delivery& delivery : deliveries) {
    Captioned done;
    done.caption.text = "a brown dog runs through the tall grass with a ball in its mouth";
    done.caption.log_prob = -9.5;
    done.caption.tokens = 14;
    Result result;
    result.image_id = delivery.task.image_id;
    result.outcome = std::move(done);
    result.blur_scores = test::every_mode(512.25);
    batch.results.push_back(std::move(result));
  }
  return encode_results(batch);
}

asio::awaitable<bool> work(Bench& bench, Connection& connection, std::string name) {
  WorkerQueue queue(connection);
  std::int64_t number = 0;
  while (bench.recorded < bench.tasks) {
    auto read = co_await queue.read_tasks(bench.incarnation, name, bench.batch);
    const std::vector<Delivery> deliveries = need(std::move(read));
    if (deliveries.empty()) continue;
    std::vector<EntryId> ids;
    for (const Delivery& delivery : deliveries) ids.push_back(delivery.id);
    auto started = co_await queue.start(bench.incarnation, name, ++number, ids);
    const std::vector<EntryId> kept = need(std::move(started));
    std::string packed = pack(name, deliveries);
    auto finished = co_await queue.finish(bench.incarnation, kept, std::move(packed));
    need(std::move(finished));
  }
  co_return true;
}

asio::awaitable<bool> record(Bench& bench, Connection& connection) {
  SchedulerQueue queue(connection);
  const milliseconds wait(100);
  while (bench.recorded < bench.tasks) {
    auto read = co_await queue.read_results(bench.incarnation, 64, EntryId(), wait);
    const std::vector<ResultEntry> entries = need(std::move(read));
    std::vector<EntryId> ids;
    for (const ResultEntry& entry : entries) {
      bench.recorded += static_cast<int>(entry.batch.results.size());
      ids.push_back(entry.id);
    }
    auto deleted = co_await queue.delete_results(bench.incarnation, std::move(ids));
    need(std::move(deleted));
  }
  co_return true;
}

/// Runs `jobs` together and returns the seconds they took.
double run_all(Bench& bench, std::vector<asio::awaitable<bool>> jobs) {
  const auto begun = Clock::now();
  for (asio::awaitable<bool>& job : jobs) {
    asio::co_spawn(bench.io, std::move(job), [](std::exception_ptr error, bool) {
      if (error) std::rethrow_exception(error);
    });
  }
  bench.io.restart();
  bench.io.run();
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

/// Seconds of CPU that we and the server have used: what a phase costs, whatever else the machine
/// does meanwhile.
struct Cpu {
  double ours = 0, server = 0;
};

Cpu cpu_now(test::RedisServer& server) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  const std::string info = server.command({"INFO", "cpu"});
  double used = 0;
  for (const char* field : {"used_cpu_sys:", "used_cpu_user:"}) {
    used += std::strtod(info.c_str() + info.find(field) + std::strlen(field), nullptr);
  }
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), used};
}

void print(const char* what, int tasks, double seconds, Cpu before, Cpu after) {
  std::printf("%-36s %8.0f tasks/s; CPU us per task: client %.2f, server %.2f\n", what,
              tasks / seconds, (after.ours - before.ours) * 1e6 / tasks,
              (after.server - before.server) * 1e6 / tasks);
}

void run(Bench& bench, test::RedisServer& server) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < bench.workers + 2; ++i) {
    connections.push_back(
        std::make_unique<Connection>(bench.io.get_executor(), *parse_endpoint(server.url())));
    need(test::run(bench.io, connections.back()->connect()));
  }
  SchedulerQueue queue(*connections[0]);
  RunListing listing;
  listing.incarnation = bench.incarnation;
  listing.name = "bench";
  need(test::run(bench.io, queue.make_run(listing, RunSpec(), kFence)));

  const auto drain = [&](std::vector<asio::awaitable<bool>> jobs) {
    bench.recorded = 0;
    jobs.push_back(record(bench, *connections[1]));
    for (int i = 0; i < bench.workers; ++i) {
      jobs.push_back(
          work(bench, *connections[static_cast<std::size_t>(i) + 2], "w" + std::to_string(i)));
    }
    return run_all(bench, std::move(jobs));
  };
  Cpu before = cpu_now(server);
  const auto report = [&](const char* what, double seconds) {
    const Cpu after = cpu_now(server);
    print(what, bench.tasks, seconds, before, after);
    before = after;
  };
  std::vector<asio::awaitable<bool>> alone;
  alone.push_back(feed(bench, *connections[0]));
  report("enqueue alone", run_all(bench, std::move(alone)));

  const auto begun = Clock::now();
  const Snapshot snapshot = need(test::run(bench.io, queue.snapshot(bench.incarnation, kFence)));
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::printf("snapshot of %zu entries: %.0f ms\n", snapshot.window.size(), seconds * 1000);

  before = cpu_now(server);
  report("read, start, finish, record, delete", drain({}));
  std::vector<asio::awaitable<bool>> both;
  both.push_back(feed(bench, *connections[0]));
  report("everything at once", drain(std::move(both)));
}

}  // namespace
}  // namespace photoscribe::redis

int main(int argc, char** argv) {
  photoscribe::redis::Bench bench;
  const auto argument = [&](int at, int standard) {
    const int value = argc > at ? std::atoi(argv[at]) : standard;
    return value > 0 ? value : standard;
  };
  bench.tasks = argument(1, 200'000);
  bench.batch = argument(2, 64);
  bench.workers = argument(3, 2);
  photoscribe::test::RedisOptions options;
  options.directives = {"appendonly yes", "appendfsync everysec"};
  photoscribe::test::RedisServer server(options);
  std::printf("%d tasks, batches of %d, %d workers, AOF everysec\n", bench.tasks, bench.batch,
              bench.workers);
  photoscribe::redis::run(bench, server);
  return 0;
}
