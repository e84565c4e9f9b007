#include "scheduler/queue/unserved.h"

#include <utility>

namespace photoscribe {
namespace {

constexpr std::chrono::minutes kRepeatEvery{10}, kRepeatOther{1};  // the same, and another reason

Event event(EventLevel level, std::string text) {
  Event made;
  made.level = level;
  made.text = std::move(text);
  return made;
}

}  // namespace

std::optional<Event> Unserved::observe(std::optional<std::string> why, Clock::time_point now) {
  if (!why) {
    const bool was_reported = !why_.empty();
    why_.clear();
    since_.reset();
    if (!was_reported) return std::nullopt;
    return event(EventLevel::info, "a worker serves this run now");
  }
  if (!since_) since_ = now;
  if (now - *since_ < lease_ * 2 / 3) return std::nullopt;
  const bool is_new = why_.empty();
  const auto rest = why_ == *why ? kRepeatEvery : kRepeatOther;
  why_ = std::move(*why);
  if (!is_new && now < reported_at_ + rest) return std::nullopt;
  reported_at_ = now;
  return event(EventLevel::warning, "no worker can process the photos of this run: " + why_);
}

}  // namespace photoscribe
