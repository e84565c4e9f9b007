#include "scheduler/queue/write_probe.h"

namespace photoscribe {
namespace {

constexpr std::chrono::milliseconds kEvery{1'000};

}  // namespace

asio::awaitable<Status> WriteProbe::look(std::chrono::steady_clock::time_point moved_at) {
  const auto now = std::chrono::steady_clock::now();
  if (now - moved_at < kEvery || now < next_) co_return Status();
  next_ = now + kEvery;
  const Status written = co_await keys_.register_run();
  if (written) {
    reporter_.end(Trouble::refusal);
    co_return Status();
  }
  if (written.error().code != Errc::redis_unavailable || !link_.is_open()) co_return written;
  const Error error = written.error();
  co_await sharer_.stop(error);
  reporter_.begin(
      Trouble::refusal,
      error.message +
          ": workers are waiting for Redis to accept results (check maxmemory, and its disk)");
  co_return Status();
}

}  // namespace photoscribe
