// seen_photos: asks Redis whether a photo with the same bytes has a result in this run already
// (DESIGN 5), from a thread and over a connection of its own.
//
// What it says saves work and nothing hangs on it: a server that does not answer at once is not
// waited for.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "common/core/types.h"
#include "common/redis/connection.h"
#include "common/redis/run_queue.h"

namespace photoscribe {

class SeenPhotos {
 public:
  /// Connects at the first question.
  SeenPhotos(redis::Endpoint endpoint, std::string client_name);
  SeenPhotos(const SeenPhotos&) = delete;
  SeenPhotos& operator=(const SeenPhotos&) = delete;
  /// No find() may be under way.
  ~SeenPhotos();

  /// A done or blurred result of the run for these bytes, by RunQueue::find_seen; none: there is
  /// none, or there was no answer within a fifth of a second, after which nobody is asked for some
  /// seconds. Blocks the calling thread, of which there may be many.
  [[nodiscard]] std::optional<Result> find(const std::string& incarnation, const ContentHash& hash);

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<std::optional<Result>> ask(std::string incarnation, ContentHash hash);
  boost::asio::awaitable<void> pause();
  void rest();

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  redis::Connection connection_;
  redis::RunQueue queue_{connection_};
  bool connecting_ = false;  // on the thread only
  std::atomic<Clock::rep> rest_until_{0};
  std::thread thread_;
};

}  // namespace photoscribe
