// seen_photos: asks Redis whether photos with the same bytes have a result in their run already
// (design.md 5), from a thread and over a connection of its own.
//
// Its answers save work, and nothing depends on them: it does not wait for a server that does not
// answer at once.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/core/types.h"
#include "common/redis/connection.h"
#include "common/redis/worker_queue.h"

namespace photoscribe {

class SeenPhotos {
 public:
  /// Begins to connect. A question waits so long for its answer; after one without, nobody is asked
  /// for `rest`.
  SeenPhotos(redis::Endpoint endpoint, std::string client_name,
             std::chrono::milliseconds patience = std::chrono::milliseconds(200),
             std::chrono::milliseconds rest = std::chrono::milliseconds(5'000));
  SeenPhotos(const SeenPhotos&) = delete;
  SeenPhotos& operator=(const SeenPhotos&) = delete;
  /// No find() may be under way.
  ~SeenPhotos();

  /// A done or blurred result of the run for these bytes, by WorkerQueue::find_seen; none: there is
  /// none, or there was no answer. Blocks the calling thread, of which there may be many: what they
  /// ask meanwhile goes in one round trip.
  [[nodiscard]] std::optional<Result> find(const std::string& incarnation, const ContentHash& hash);

 private:
  using Clock = std::chrono::steady_clock;
  using Answer = std::promise<std::optional<Result>>;
  boost::asio::awaitable<void> answer_all();
  boost::asio::awaitable<Status> connect();
  void ask_now();
  void give_up(std::string why);
  void rest();

  const std::chrono::milliseconds patience_, rest_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  redis::Connection connection_;
  redis::WorkerQueue queue_{connection_};
  // On the thread only:
  std::vector<redis::SeenQuestion> questions_;
  std::vector<std::shared_ptr<Answer>> answers_;  // of these questions
  bool asking_ = false, closing_ = false, refusal_said_ = false;
  std::atomic<Clock::rep> rest_until_{0};
  std::thread thread_;
};

}  // namespace photoscribe
