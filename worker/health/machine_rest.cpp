#include "worker/health/machine_rest.h"

#include <spdlog/spdlog.h>

#include "common/async/backoff.h"
#include "common/text/escape.h"
#include "worker/health/root_keeper.h"

namespace photoscribe {

using namespace std::chrono_literals;

namespace {

constexpr BackoffSettings kMachine{100ms, 30'000ms};

}  // namespace

void MachineRest::was_read() {
  ++photos_read_;
  if (!resting()) failures_ = 0;
}

std::optional<Failed> MachineRest::judge(const Faulted& item) {
  if (item.fault.of != FaultOf::memory) return std::nullopt;
  if (!faults_.add(key_of(item.job), Clock::now(), photos_read_)) return std::nullopt;
  return blamed(item, Reason::too_large, faults_.faults(key_of(item.job)));
}

bool MachineRest::begin(const std::string& why) {
  if (resting()) return false;
  why_ = why;
  const auto wait = jittered_backoff(++failures_, kMachine);
  until_ = Clock::now() + wait;
  spdlog::warn("msg=\"unready: handing tasks back\" error={} retry_ms={}", log_value(why),
               wait.count());
  return true;
}

bool MachineRest::is_over() {
  if (why_.empty() || resting()) return false;
  spdlog::info("msg=\"ready again\" was={}", log_value(why_));
  why_.clear();
  return true;
}

}  // namespace photoscribe
