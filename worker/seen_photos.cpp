#include "worker/seen_photos.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <utility>

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 200ms, kRest = 5'000ms, kStep = 2ms;

}  // namespace

SeenPhotos::SeenPhotos(redis::Endpoint endpoint, std::string client_name)
    : work_(io_.get_executor()),
      connection_(io_.get_executor(), std::move(endpoint),
                  redis::ConnectionOptions{std::move(client_name), 1'000ms, 1'000ms}) {
  thread_ = std::thread([this] { io_.run(); });
}

SeenPhotos::~SeenPhotos() {
  asio::post(io_, [this] {
    connection_.close();
    work_.reset();
  });
  thread_.join();
}

std::optional<Result> SeenPhotos::find(const std::string& incarnation, const ContentHash& hash) {
  if (Clock::now().time_since_epoch().count() < rest_until_.load()) return std::nullopt;
  std::future<std::optional<Result>> answer =
      asio::co_spawn(io_, ask(incarnation, hash), asio::use_future);
  if (answer.wait_for(kPatience) == std::future_status::ready) return answer.get();
  rest();
  return std::nullopt;
}

asio::awaitable<std::optional<Result>> SeenPhotos::ask(std::string incarnation, ContentHash hash) {
  while (connecting_) co_await pause();
  if (!connection_.is_open()) {
    connecting_ = true;
    const Status connected = co_await connection_.connect();
    connecting_ = false;
    if (!connected) rest();
  }
  Expected<std::optional<Result>> found = co_await queue_.find_seen(std::move(incarnation), hash);
  if (!found) {
    rest();
    co_return std::nullopt;
  }
  co_return std::move(*found);
}

asio::awaitable<void> SeenPhotos::pause() {
  asio::steady_timer timer(io_, kStep);
  co_await timer.async_wait(asio::use_awaitable);
}

void SeenPhotos::rest() { rest_until_ = (Clock::now() + kRest).time_since_epoch().count(); }

}  // namespace photoscribe
