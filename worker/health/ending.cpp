#include "worker/health/ending.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/text/escape.h"

namespace photoscribe {

Stop::Stop(std::function<void()> on_begin, std::function<void()> on_change)
    : on_begin_(std::move(on_begin)), on_change_(std::move(on_change)) {}

void Stop::begin(Ending ending, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  if (begun()) {
    deadline_ = std::min(deadline_, deadline);
    if (ending_->code == kExitStopped) ending_ = std::move(ending);
  } else {
    spdlog::info("msg=\"stopping\" exit={} why={}", ending.code, log_value(ending.why));
    deadline_ = deadline;
    ending_ = std::move(ending);
    on_begin_();
  }
  on_change_();
}

void Stop::end() {
  ended_ = true;
  on_change_();
}

}  // namespace photoscribe
