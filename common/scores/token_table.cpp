#include "common/scores/token_table.h"

#include <functional>

namespace photoscribe {
namespace {

std::uint32_t hash_of(std::string_view word) {
  const std::uint64_t hash = std::hash<std::string_view>{}(word);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

TokenTable::TokenTable() : ends_{0}, slots_(1 << 10) {}

std::size_t TokenTable::slot_of(std::string_view wanted, std::uint32_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at].id != kEmpty && (slots_[at].hash != hash || word(slots_[at].id) != wanted))
    at = (at + 1) & mask;
  return at;
}

TokenId TokenTable::id_of(std::string_view wanted) {
  const std::uint32_t hash = hash_of(wanted);
  std::size_t at = slot_of(wanted, hash);
  if (slots_[at].id != kEmpty) return slots_[at].id;
  if (size() * 2 >= slots_.size()) {
    grow();
    at = slot_of(wanted, hash);
  }
  const auto id = static_cast<TokenId>(size());
  slots_[at] = {hash, id};
  text_ += wanted;
  ends_.push_back(text_.size());
  return id;
}

std::optional<TokenId> TokenTable::find(std::string_view wanted) const noexcept {
  const Slot& slot = slots_[slot_of(wanted, hash_of(wanted))];
  return slot.id == kEmpty ? std::nullopt : std::optional(slot.id);
}

std::string_view TokenTable::word(TokenId id) const noexcept {
  return std::string_view(text_).substr(ends_[id], ends_[id + 1] - ends_[id]);
}

std::size_t TokenTable::bytes() const noexcept {
  return text_.capacity() + ends_.capacity() * sizeof(std::size_t) + slots_.size() * sizeof(Slot);
}

void TokenTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id == kEmpty) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].id != kEmpty) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace photoscribe
