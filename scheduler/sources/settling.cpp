#include "scheduler/sources/settling.h"

#include <algorithm>

namespace photoscribe {
namespace {

constexpr std::chrono::milliseconds kFoundQuiet{1'000};

}  // namespace

void Settling::found(const std::string& file, std::chrono::milliseconds age, Time now) {
  const auto rest = std::clamp(kFoundQuiet - age, quiet_, kFoundQuiet);
  due_.try_emplace(file, now + rest);
}

void Settling::forget_writers() {
  std::erase_if(due_, [](const auto& one) { return !one.second; });
}

std::vector<std::string> Settling::take(Time now) {
  std::vector<std::string> settled;
  std::erase_if(due_, [&](const auto& one) {
    if (!one.second || *one.second > now) return false;
    settled.push_back(one.first);
    return true;
  });
  return settled;
}

std::optional<Settling::Time> Settling::next() const {
  std::optional<Time> first;
  for (const auto& [file, due] : due_) {
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

}  // namespace photoscribe
