#include "worker/queue/heartbeat.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "common/async/backoff.h"
#include "common/async/rethrow.h"
#include "common/redis/fleet.h"
#include "common/text/escape.h"

namespace photoscribe {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kLastBeatWait = 500ms;
constexpr auto kBeatReportEvery = 1s;

}  // namespace

Heartbeat::Heartbeat(redis::Endpoint endpoint, redis::ConnectionOptions options,
                     std::string consumer, std::function<bool()> alive)
    : io_(1),
      connection_(io_.get_executor(), std::move(endpoint), std::move(options)),
      wake_(io_.get_executor()),
      end_(io_.get_executor()),
      consumer_(std::move(consumer)),
      alive_(std::move(alive)) {
  asio::co_spawn(io_, beat_loop(), rethrow);
  thread_ = std::thread([this] { io_.run(); });
}

Heartbeat::~Heartbeat() { stop(); }

void Heartbeat::set_runs(std::map<std::string, std::chrono::milliseconds> runs) {
  {
    const std::lock_guard lock(mutex_);
    runs_ = std::move(runs);
  }
  asio::post(io_, [this] { wake_.wake(); });
}

void Heartbeat::set_report(std::string report) {
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
}

void Heartbeat::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    stopping_ = true;
    wake_.wake();
    asio::co_spawn(io_, end_soon(), rethrow);
  });
  thread_.join();
}

asio::awaitable<void> Heartbeat::end_soon() {
  // Only a beat that is on its way is worth waiting for: not a server, or a name server, that does
  // not answer.
  if (!ended_ && connection_.is_open()) co_await end_.rest(kLastBeatWait);
  connection_.close();
}

asio::awaitable<void> Heartbeat::beat_loop() {
  int failures = 0;
  while (!stopping_) {
    Status status;
    if (!connection_.is_open()) status = co_await connection_.connect();
    if (status) status = co_await beat_where_due();
    beats_ = status.has_value();
    if (status) status = co_await report_if_due();
    if (status) {
      failures = 0;
      auto until = next_report_;
      for (const auto& [run, due] : next_) until = std::min(until, due);
      co_await wake_.rest(std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()));
      continue;
    }
    if (++failures == 1 && !stopping_) {
      spdlog::warn("msg=\"cannot beat\" error={}", log_value(status.error().message));
    }
    BackoffSettings quick;
    quick.longest = 1'000ms;  // a lease is soon over
    co_await wake_.rest(jittered_backoff(failures, quick));
  }
  ended_ = true;
  end_.wake();
}

// A report is for people: if it fails, the beats continue.
asio::awaitable<Status> Heartbeat::report_if_due() {
  if (Clock::now() < next_report_) co_return Status();
  next_report_ = Clock::now() + kBeatReportEvery;
  std::string report;
  {
    const std::lock_guard lock(mutex_);
    report = report_;
  }
  if (report.empty() || !reports_ || !was_alive_ || stopping_) co_return Status();
  const Status told = co_await redis::report_worker(connection_, consumer_, std::move(report));
  if (told || !connection_.is_open()) co_return told;
  if (told.error().code != Errc::redis_unavailable) {
    reports_ = false;
    spdlog::warn("msg=\"cannot report: `status --workers` will not show this worker\" error={}",
                 log_value(told.error().message));
  }
  co_return Status();
}

asio::awaitable<Status> Heartbeat::beat_where_due() {
  std::map<std::string, std::chrono::milliseconds> runs;
  {
    const std::lock_guard lock(mutex_);
    runs = runs_;
  }
  std::erase_if(next_, [&](const auto& each) { return !runs.contains(each.first); });
  const bool alive = alive_();
  if (alive != was_alive_) {
    spdlog::error("msg=\"{}\"", alive ? "the worker's loop moves again: beating"
                                      : "the worker's loop stands still: not beating");
  }
  was_alive_ = alive;
  for (const auto& [run, every] : runs) {
    if (stopping_) break;
    if (const auto due = next_.find(run); due != next_.end() && due->second > Clock::now()) {
      continue;
    }
    Status beaten;
    if (alive) beaten = co_await queue_.beat(run, consumer_, ++counter_);
    // The consumer notices a run that is gone; until then there is nowhere to beat.
    if (!beaten && beaten.error().code != Errc::run_gone) co_return beaten;
    next_[run] = Clock::now() + every;
  }
  co_return Status();
}

}  // namespace photoscribe
