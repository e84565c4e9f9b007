#include "worker/queue/seen_photos.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "common/async/rethrow.h"
#include "common/text/escape.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

SeenPhotos::SeenPhotos(redis::Endpoint endpoint, std::string client_name,
                       std::chrono::milliseconds patience, std::chrono::milliseconds rest)
    : patience_(patience),
      rest_(rest),
      work_(io_.get_executor()),
      connection_(io_.get_executor(), std::move(endpoint),
                  redis::ConnectionOptions{std::move(client_name), 1'000ms, 1'000ms}) {
  asio::post(io_, [this] { ask_now(); });
  thread_ = std::thread([this] { io_.run(); });
}

SeenPhotos::~SeenPhotos() {
  asio::post(io_, [this] {
    closing_ = true;
    connection_.close();
    work_.reset();
  });
  thread_.join();
}

SeenPhotos::Answer SeenPhotos::ask(const std::string& incarnation, const ContentHash& hash) {
  if (resting()) return [] { return std::optional<Result>(); };
  const auto question = std::make_shared<Question>();
  question->what = {incarnation, hash};
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(question);
    enough = waiting_.size() == kGroup;
  }
  if (enough) asio::post(io_, [this] { ask_now(); });
  return [this, question] { return answer_to(*question); };
}

std::optional<Result> SeenPhotos::answer_to(Question& question) {
  if (question.known.wait_for(0s) == std::future_status::ready) return question.known.get();
  if (resting()) return std::nullopt;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !question.sent && !std::exchange(one_is_awaited_, true);
  }
  if (first) asio::post(io_, [this] { ask_now(); });
  if (question.known.wait_for(patience_) == std::future_status::ready) return question.known.get();
  rest();
  return std::nullopt;
}

bool SeenPhotos::resting() const {
  return Clock::now().time_since_epoch().count() < rest_until_.load();
}

/// None: nobody waits for the few that there are.
SeenPhotos::Questions SeenPhotos::take_due() {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < kGroup && !one_is_awaited_) return {};
  one_is_awaited_ = false;
  for (const auto& question : waiting_) question->sent = true;
  return std::exchange(waiting_, {});
}

void SeenPhotos::ask_now() {
  if (asking_) return;
  asking_ = true;
  asio::co_spawn(io_, answer_all(), rethrow);
}

/// What was asked before it began, and while it waited.
asio::awaitable<void> SeenPhotos::answer_all() {
  Status reached = co_await connect();
  for (Questions due = take_due(); !due.empty(); due = take_due()) {
    std::vector<redis::SeenQuestion> questions;
    for (const auto& question : due) questions.push_back(question->what);
    Expected<std::vector<std::optional<Result>>> found = fail(Errc::redis_unavailable, "");
    if (reached) {
      found = co_await queue_.find_seen(std::move(questions));
    } else {
      found = fail(reached.error());
    }
    if (!found) give_up(found.error().message);
    for (std::size_t i = 0; i < due.size(); ++i) {
      due[i]->promise.set_value(found ? std::move((*found)[i]) : std::nullopt);
    }
    reached = co_await connect();
  }
  asking_ = false;
}

asio::awaitable<Status> SeenPhotos::connect() {
  if (connection_.is_open() || closing_) co_return Status();
  Status connected = co_await connection_.connect();
  co_return connected;
}

void SeenPhotos::give_up(std::string why) {
  rest();
  if (!std::exchange(refusal_said_, true)) {
    spdlog::warn(
        "msg=\"cannot ask for photos with the same bytes: each is done by itself\" error={}",
        log_value(why));
  }
}

void SeenPhotos::rest() { rest_until_ = (Clock::now() + rest_).time_since_epoch().count(); }

}  // namespace photoscribe
