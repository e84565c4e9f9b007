#include "scheduler/queue/trouble_reporter.h"

#include <utility>

namespace photoscribe {
namespace {

const char* end_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::disk:
      return "the database can be written again";
    case Trouble::redis:
      return "Redis answers again";
    case Trouble::refusal:
      return "Redis accepts results again";
    case Trouble::eviction:
      break;
  }
  return "Redis no longer evicts keys";
}

}  // namespace

void TroubleReporter::report(EventLevel level, std::string text) const {
  Event event;
  event.level = level;
  event.text = std::move(text);
  say_(event);
}

void TroubleReporter::begin(Trouble trouble, std::string text) {
  if (reported_.insert(trouble).second) report(EventLevel::warning, std::move(text));
}

void TroubleReporter::end(Trouble trouble) {
  if (reported_.erase(trouble) > 0) report(EventLevel::info, end_of(trouble));
}

}  // namespace photoscribe
