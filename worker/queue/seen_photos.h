// seen_photos: asks Redis whether photos with the same bytes have a result in their run already
// (design.md 5), from a thread and over a connection of its own, for several photos in one round
// trip.
//
// Its answers save work, and nothing depends on them: it does not wait for a server that does not
// answer at once.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
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
  /// No answer may be waited for.
  ~SeenPhotos();

  /// Questions that go without anybody waiting for an answer.
  static constexpr std::size_t kGroup = 8;
  /// Waits: a done or blurred result of the run for these bytes, by WorkerQueue::find_seen; none:
  /// there is none, or there was no answer.
  using Answer = std::function<std::optional<Result>()>;
  /// Does not wait. The question goes with others, kGroup of them or when one of their answers is
  /// waited for. From any thread.
  [[nodiscard]] Answer ask(const std::string& incarnation, const ContentHash& hash);
  [[nodiscard]] std::optional<Result> find(const std::string& incarnation,
                                           const ContentHash& hash) {
    return ask(incarnation, hash)();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Question {
    redis::SeenQuestion what;
    std::promise<std::optional<Result>> promise;
    std::future<std::optional<Result>> known = promise.get_future();
    bool sent = false;  // with the lock
  };
  using Questions = std::vector<std::shared_ptr<Question>>;

  [[nodiscard]] std::optional<Result> answer_to(Question& question);
  [[nodiscard]] Questions take_due();
  [[nodiscard]] bool resting() const;
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
  std::mutex mutex_;
  Questions waiting_;            // to be sent
  bool one_is_awaited_ = false;  // of these
  // On the thread only:
  bool asking_ = false, closing_ = false, refusal_said_ = false;
  std::atomic<Clock::rep> rest_until_{0};
  std::thread thread_;
};

}  // namespace photoscribe
