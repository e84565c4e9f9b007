#include "worker/queue/holdings.h"

#include <algorithm>
#include <utility>

namespace photoscribe {

using redis::Delivery;
using redis::EntryId;

void Holdings::add(std::vector<Delivery> deliveries) {
  for (auto& delivery : deliveries) {
    const EntryId id = delivery.id;
    held_.try_emplace(id, Held{std::move(delivery), State::waiting});
  }
}

void Holdings::put_in_hand(Delivery delivery) {
  const EntryId id = delivery.id;
  held_.insert_or_assign(id, Held{std::move(delivery), State::in_hand});
}

std::vector<EntryId> Holdings::fresh(std::size_t count) const {
  std::vector<EntryId> ids;
  for (const auto& [id, held] : held_) {
    if (ids.size() >= count) break;
    if (held.state == State::waiting && held.delivery.deliveries <= 1) ids.push_back(id);
  }
  return ids;
}

std::optional<EntryId> Holdings::suspect() const {
  const Held* best = nullptr;
  for (const auto& [id, held] : held_) {
    if (held.state != State::waiting || held.delivery.deliveries <= 1) continue;
    if (best == nullptr || held.delivery.deliveries < best->delivery.deliveries) best = &held;
  }
  if (best == nullptr) return std::nullopt;
  return best->delivery.id;
}

void Holdings::move(const std::vector<EntryId>& ids, State to) {
  for (const EntryId id : ids) {
    if (const auto found = held_.find(id); found != held_.end()) found->second.state = to;
  }
}

void Holdings::remove(const std::vector<EntryId>& ids) {
  for (const EntryId id : ids) held_.erase(id);
}

const Delivery* Holdings::find(EntryId id) const {
  const auto found = held_.find(id);
  return found == held_.end() ? nullptr : &found->second.delivery;
}

bool Holdings::is(EntryId id, State state) const {
  const auto found = held_.find(id);
  return found != held_.end() && found->second.state == state;
}

std::vector<EntryId> Holdings::ids() const {
  std::vector<EntryId> all;
  all.reserve(held_.size());
  for (const auto& [id, held] : held_) all.push_back(id);
  return all;
}

std::vector<EntryId> Holdings::ids(State state) const {
  std::vector<EntryId> some;
  for (const auto& [id, held] : held_) {
    if (held.state == state) some.push_back(id);
  }
  return some;
}

std::size_t Holdings::count(State state) const {
  return static_cast<std::size_t>(std::count_if(
      held_.begin(), held_.end(), [&](const auto& each) { return each.second.state == state; }));
}

std::size_t Holdings::fresh_count() const {
  return static_cast<std::size_t>(std::count_if(held_.begin(), held_.end(), [](const auto& each) {
    return each.second.state == State::waiting && each.second.delivery.deliveries <= 1;
  }));
}

}  // namespace photoscribe
