#include "common/redis/liveness.h"

#include <algorithm>

namespace photoscribe::redis {

void Liveness::observe(std::span<const Holder> holders, Clock::time_point now) {
  std::unordered_map<std::string, Seen> next;
  next.reserve(holders.size());
  for (const Holder& holder : holders) {
    Seen seen{holder, now, {}};
    if (const auto before = seen_.find(holder.name);
        before != seen_.end() && before->second.holder.counter == holder.counter) {
      const std::chrono::nanoseconds gap = now - before->second.at;
      seen.still = before->second.still + std::clamp(gap, std::chrono::nanoseconds{0}, lease_ / 3);
    }
    next.emplace(holder.name, std::move(seen));
  }
  seen_ = std::move(next);
}

bool Liveness::is_dead(std::string_view holder) const {
  const auto found = seen_.find(std::string(holder));
  return found != seen_.end() && found->second.still >= lease_;
}

std::vector<Holder> Liveness::dead() const {
  std::vector<Holder> list;
  for (const auto& [name, seen] : seen_) {
    if (seen.still >= lease_) list.push_back(seen.holder);
  }
  std::sort(list.begin(), list.end(),
            [](const Holder& a, const Holder& b) { return a.name < b.name; });
  return list;
}

std::size_t Liveness::living() const {
  return static_cast<std::size_t>(std::count_if(seen_.begin(), seen_.end(), [this](const auto& s) {
    return s.second.holder.counter.has_value() && s.second.still < lease_;
  }));
}

}  // namespace photoscribe::redis
