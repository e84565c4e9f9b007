#include "worker/health/watchdog.h"

#include <algorithm>
#include <utility>

namespace photoscribe {

using namespace std::chrono_literals;

namespace {

constexpr auto kStall = 1'000ms;
constexpr std::size_t kStallsRemembered = 1'000;
constexpr std::size_t kSharesMax = 16;

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::reading:
      return "reading";
    case Stage::decoding:
      return "decoding";
    case Stage::captioning:
      break;
  }
  return "captioning";
}

}  // namespace

std::chrono::steady_clock::duration limit_of(const InWork& work) {
  const std::chrono::seconds one(work.jobs.front().run->spec.settings.limits.image_timeout_s);
  return one * static_cast<int>(std::min(work.jobs.size(), kSharesMax));
}

std::string hung_while(Stage stage) { return std::string("a photo hung while ") + name_of(stage); }

Failed timed_out(const InWork& work, std::chrono::steady_clock::time_point now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - work.since).count();
  Failed failed;
  failed.reason = Reason::timeout;
  failed.detail =
      std::string(name_of(work.stage)) + " took more than " + std::to_string(seconds) + " s";
  return failed;
}

void Watchdog::tick(Clock::time_point now, Clock::duration every) {
  if (last_ && now - *last_ - every > kStall) {
    stalls_.push_back(Stall{now, now - *last_ - every});
    if (stalls_.size() > kStallsRemembered) stalls_.pop_front();
  }
  last_ = now;
}

Watchdog::Clock::duration Watchdog::worked_since(Clock::time_point since) const {
  Clock::duration worked = Clock::now() - since;
  for (const auto& stall : stalls_) {
    if (stall.until > since) worked -= std::min(stall.length, stall.until - since);
  }
  return worked;
}

std::string Watchdog::standstill(std::size_t held, bool excused, std::chrono::milliseconds lease,
                                 Clock::time_point now) {
  still_ = standstill_.still(held, excused, now);
  if (still_ <= settings_.standstill_leases * lease) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(still_).count();
  return "holds " + std::to_string(held) + " tasks and has finished none for " +
         std::to_string(seconds) + " s";
}

std::optional<Ending> Watchdog::judge_memory(std::int64_t resident_bytes,
                                             std::uint64_t photos_read) const {
  if (resident_bytes <= settings_.memory_max_bytes) return std::nullopt;
  const std::string sizes = std::to_string(resident_bytes >> 20) +
                            " MiB of memory, more than --memory-max " +
                            std::to_string(settings_.memory_max_bytes >> 20) + " MiB";
  if (photos_read > 0) return Ending{kExitReplaceMe, "holds " + sizes};
  return Ending{kExitEnvironment, "holds " + sizes + ", before its first photo: allow it more"};
}

}  // namespace photoscribe
