#include "worker/queue/holdings.h"

#include <utility>

namespace photoscribe {

using redis::Delivery;
using redis::EntryId;

namespace {

bool is_fresh(Holdings::State state, const Delivery& delivery) {
  return state == Holdings::State::waiting && delivery.deliveries <= 1;
}

}  // namespace

void Holdings::count_in(const Held& held) {
  ++counts_[index(held.state)];
  if (is_fresh(held.state, held.delivery)) ++fresh_;
}

void Holdings::count_out(const Held& held) {
  --counts_[index(held.state)];
  if (is_fresh(held.state, held.delivery)) --fresh_;
}

void Holdings::add(std::vector<Delivery> deliveries) {
  for (auto& delivery : deliveries) {
    const EntryId id = delivery.id;
    const auto [place, is_new] = held_.try_emplace(id, Held{std::move(delivery), State::waiting});
    if (is_new) count_in(place->second);
  }
}

void Holdings::put_in_hand(Delivery delivery) {
  remove({delivery.id});
  const EntryId id = delivery.id;
  count_in(held_.emplace(id, Held{std::move(delivery), State::in_hand}).first->second);
}

std::vector<EntryId> Holdings::fresh(std::size_t count) const {
  std::vector<EntryId> ids;
  for (const auto& [id, held] : held_) {
    if (ids.size() >= count) break;
    if (is_fresh(held.state, held.delivery)) ids.push_back(id);
  }
  return ids;
}

std::optional<EntryId> Holdings::suspect() const {
  if (count(State::waiting) == fresh_) return std::nullopt;
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
    const auto found = held_.find(id);
    if (found == held_.end()) continue;
    count_out(found->second);
    found->second.state = to;
    count_in(found->second);
  }
}

void Holdings::remove(const std::vector<EntryId>& ids) {
  for (const EntryId id : ids) {
    const auto found = held_.find(id);
    if (found == held_.end()) continue;
    count_out(found->second);
    held_.erase(found);
  }
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
  if (count(state) == 0) return some;
  for (const auto& [id, held] : held_) {
    if (held.state == state) some.push_back(id);
  }
  return some;
}

}  // namespace photoscribe
