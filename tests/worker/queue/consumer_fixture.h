// consumer_fixture: a private redis-server, the scheduler's side of runs on it, and workers with
// fake photos and a fake network that live in threads of the test.
#pragma once

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/redis/connection.h"
#include "common/redis/identity.h"
#include "common/redis/scheduler_queue.h"
#include "common/redis/worker_queue.h"
#include "tests/support/blur_scores.h"
#include "tests/support/redis_server.h"
#include "tests/support/run_coroutine.h"
#include "tests/worker/pipeline/fake_captioner.h"
#include "worker/queue/consumer.h"

namespace photoscribe {

using namespace std::chrono_literals;

inline const std::string kModelHash(64, 'a');

/// What the fake loader makes of a photo; may be called by several threads.
using PhotoScript = std::function<LoadOutcome(const Task&)>;

inline LoadOutcome clear_photo(const Task& task) {
  LoadedPhoto photo;
  photo.blur_scores = test::every_mode(500);
  DecodedImage image{8, 8, 3, {}};
  image.pixels.assign(8 * 8 * 3, static_cast<std::uint8_t>(100 + task.image_id % 100));
  photo.network_input = std::move(image);
  return photo;
}

/// Milliseconds where a real worker has seconds and minutes.
inline RootSettings patience_of_a_test() {
  RootSettings settings;
  settings.read_patience = 50ms;
  settings.answer_limit = 150ms;
  settings.blame.over = 1ms;
  settings.blame.over_alone = 1ms;
  return settings;
}

/// A consumer in a thread, stopped at the latest when it goes out of scope.
class RunningWorker {
 public:
  RunningWorker(const std::string& url, FakeDevice& device, PhotoScript script, const Roots& roots,
                std::size_t batch_max = 4)
      : RunningWorker(
            url, device,
            [script = std::move(script)](const Job& job, FileBuffer&, const OnDecode& on_decode) {
              on_decode();
              return script(job.task);
            },
            roots, patience_of_a_test(), batch_max) {}
  /// With a loader that does its own reading.
  RunningWorker(const std::string& url, FakeDevice& device, Loader loader, const Roots& roots,
                RootSettings root_settings, std::size_t batch_max = 4,
                const std::function<void(ConsumerConfig&)>& adjust = {})
      : name_(redis::new_consumer_name("test")) {
    ConsumerConfig config;
    config.endpoint = *redis::parse_endpoint(url);
    config.name = name_;
    config.model_hash = kModelHash;
    config.roots = std::move(root_settings);
    if (adjust) adjust(config);
    PipelineConfig pipeline;
    pipeline.batch_max = batch_max;
    pipeline.linger = 2ms;
    const CaptionerFactory factory = [&device](const std::string&, const SearchSettings&) {
      return Expected<std::unique_ptr<Captioner>>(std::make_unique<FakeCaptioner>(device));
    };
    consumer_ = std::make_unique<Consumer>(config, roots, pipeline, factory, std::move(loader));
    ending_ = std::async(std::launch::async, [this] { return consumer_->run(); });
  }
  ~RunningWorker() {
    if (ending_.valid()) (void)stop();
  }

  const std::string& name() const { return name_; }
  const Health& health() const { return consumer_->health(); }
  std::string metrics() const { return consumer_->metrics(); }
  void request_stop(std::chrono::milliseconds limit) { consumer_->request_stop(limit); }
  Ending stop(std::chrono::milliseconds limit = 5s) {
    request_stop(limit);
    return wait();
  }
  /// Its end, come about by itself.
  Ending wait() {
    if (ending_.wait_for(60s) != std::future_status::ready) {
      throw std::runtime_error("the worker does not end");
    }
    return ending_.get();
  }

 private:
  std::string name_;
  std::unique_ptr<Consumer> consumer_;
  std::future<Ending> ending_;
};

class ConsumerTest : public ::testing::Test {
 protected:
  explicit ConsumerTest(test::RedisOptions options = {}) : server(std::move(options)) {
    ok(connection.connect());
    roots.emplace("photos", *PhotoRoot::open("photos", server.folder().path().string()));
  }

  static RunSpec spec() {
    RunSpec made;
    made.run = "archive";
    made.settings.model_hash = kModelHash;
    made.roots = {"photos"};
    made.lease.lease_ms = 150;
    made.lease.beat_ms = 15;
    return made;
  }
  /// A new run of `images` images, 1, 2, …; its incarnation.
  std::string make_run(int images, const RunSpec& of = spec()) {
    redis::RunListing listing;
    listing.incarnation = redis::new_incarnation();
    listing.name = of.run;
    ok(queue.make_run(listing, of, kFence));
    enqueue(listing.incarnation, 1, images, of.roots.front());
    return listing.incarnation;
  }
  void enqueue(const std::string& run, int first, int last, const std::string& root = "photos") {
    std::vector<Task> tasks;
    for (int i = first; i <= last; ++i) {
      Task task;
      task.image_id = i;
      task.root = root;
      task.path = std::to_string(i) + ".jpg";
      tasks.push_back(std::move(task));
    }
    ASSERT_EQ(ok(queue.enqueue(run, kFence, tasks)), redis::EnqueueOutcome::all);
  }
  /// Every result there is, as "image" -> how it ended. A second result of an image fails the test
  /// unless `repeats` is true.
  std::map<std::int64_t, std::string> results(const std::string& run, bool repeats = false) {
    std::map<std::int64_t, std::string> all;
    const auto entries = ok(queue.read_results(run, 10'000));
    for (const auto& entry : entries) {
      EXPECT_EQ(entry.problem, "");
      for (const auto& result : entry.batch.results) {
        const bool first = all.emplace(result.image_id, outcome(result)).second;
        EXPECT_TRUE(first || repeats) << "image " << result.image_id << " has two results";
      }
    }
    return all;
  }
  static std::string outcome(const Result& result) {
    if (const auto* done = std::get_if<Captioned>(&result.outcome)) return done->caption.text;
    if (std::holds_alternative<Blurred>(result.outcome)) return "blurred";
    return std::string(to_string(std::get<Failed>(result.outcome).reason));
  }
  /// Waits until there are results of `count` images.
  std::map<std::int64_t, std::string> await_results(const std::string& run, std::size_t count,
                                                    bool repeats = false) {
    std::map<std::int64_t, std::string> all;
    EXPECT_TRUE(eventually([&] {
      all = results(run, repeats);
      return all.size() >= count;
    })) << all.size()
        << " of " << count << " images have a result";
    return all;
  }
  /// Asks again and again, for a minute at most.
  template <class Condition>
  static bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  std::int64_t tasks_left(const std::string& run) {
    return server.number({"XLEN", key(run, "tasks")});
  }
  std::int64_t pending(const std::string& run) { return ok(queue.look(run)).pending; }
  static std::string key(const std::string& run, const std::string& name) {
    return "photoscribe:{" + run + "}:" + name;
  }
  RunningWorker worker(PhotoScript script = clear_photo, std::size_t batch_max = 4) {
    return RunningWorker(server.url(), device, std::move(script), roots, batch_max);
  }

  template <class T>
  T ok(redis::Awaitable<T> work) {
    Expected<T> result = test::run(io, std::move(work));
    if (!result) throw std::runtime_error(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }

  static constexpr std::uint64_t kFence = 7;
  test::RedisServer server;
  boost::asio::io_context io;
  redis::Connection connection{io.get_executor(), *redis::parse_endpoint(server.url())};
  redis::SchedulerQueue queue{connection};
  redis::WorkerQueue worker_queue{connection};
  Roots roots;
  FakeDevice device;
};

/// A door that threads wait at until the test opens it; open at the end of the test in any case.
class Gate {
 public:
  ~Gate() { open(); }
  void pass() {
    ++waiting_;
    future_.wait();
  }
  void open() {
    if (!std::exchange(open_, true)) promise_.set_value();
  }
  int waiting() const { return waiting_; }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_{promise_.get_future().share()};
  std::atomic<int> waiting_{0};
  bool open_ = false;
};

}  // namespace photoscribe
