// fake_worker: a worker that speaks the whole queue protocol and captions nothing: it says "photo
// 7".
//
// A coroutine for tests of the scheduler on a real server, and the body of the program that tests
// of run_batch() start as children. Image 7, 14 … are blurred, 11, 22 … truncated, the rest
// captioned.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/core/wire.h"
#include "common/redis/connection.h"
#include "common/redis/liveness.h"
#include "common/redis/worker_queue.h"

namespace photoscribe::test {

struct FakeWorkerSettings {
  std::string url;
  std::string name_prefix = "fake";
  int batch = 8;
  std::chrono::milliseconds lease{200};
  std::chrono::milliseconds per_batch{0};  // how long a batch takes …
  std::string slow_while;                  // … while this file is there; empty: always
  /// After a batch's START and before its FINISH: where a test cuts in, or crashes.
  std::function<void(const std::vector<Task>&)> in_hand;
  /// How a batch becomes bytes; a broken worker has a way of its own.
  std::function<std::string(const ResultBatch&)> pack = encode_results;
  /// After each FINISH that was answered; argument: results published so far.
  std::function<void(std::int64_t)> finished;
};

class FakeWorker {
 public:
  FakeWorker(boost::asio::io_context& io, FakeWorkerSettings settings);

  /// Until stop(). Lives through lost connections and runs.
  boost::asio::awaitable<void> work();
  /// Ends work() after the batch in hand; leaves the run cleanly.
  void stop();
  [[nodiscard]] std::int64_t published() const { return published_; }
  /// How often each (image, attempt) was computed.
  [[nodiscard]] const std::map<std::pair<std::int64_t, std::int32_t>, int>& computed() const {
    return computed_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<Status> pass();
  boost::asio::awaitable<Status> serve(std::string incarnation);
  boost::asio::awaitable<Status> renew(std::string incarnation);
  boost::asio::awaitable<Status> take_over(std::string incarnation);
  boost::asio::awaitable<Status> process(std::string incarnation,
                                         std::vector<redis::Delivery> tasks, bool started);
  boost::asio::awaitable<void> rest(std::chrono::milliseconds time);

  FakeWorkerSettings settings_;
  redis::Connection connection_;
  redis::WorkerQueue queue_;
  redis::Liveness liveness_;
  boost::asio::steady_timer timer_;
  std::string consumer_, joined_;
  std::int64_t number_ = 0, beats_ = 0, published_ = 0;
  std::map<std::pair<std::int64_t, std::int32_t>, int> computed_;
  Clock::time_point renew_at_{}, look_at_{};
  bool stopping_ = false, idle_ = true;
};

}  // namespace photoscribe::test
