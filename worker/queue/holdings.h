// holdings: the tasks of one run that are in this worker's name, and the state of each.
//
// Pure bookkeeping, owned by the one thread that talks to Redis. What is in here is what renew()
// compares with the server (protocol.md H1), and what a stop hands back.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "common/redis/queue_types.h"

namespace photoscribe {

class Holdings {
 public:
  enum class State {
    waiting,    // read, not started
    in_hand,    // marked by START and given to the pipeline
    done,       // has a result that is not published yet
    returning,  // on its way back to the queue
  };

  /// Adds tasks as waiting. Those held already stay unchanged.
  void add(std::vector<redis::Delivery> deliveries);
  /// Adds, or moves, one task that is already marked in hand (a claimed suspect).
  void put_in_hand(redis::Delivery delivery);

  /// Ids of up to `count` waiting tasks that were never delivered before; they stay waiting.
  [[nodiscard]] std::vector<redis::EntryId> fresh(std::size_t count) const;
  /// The least delivered waiting task of those that were delivered before (H10).
  [[nodiscard]] std::optional<redis::EntryId> suspect() const;

  /// Sets the state of those that are held; unknown ids are ignored.
  void move(const std::vector<redis::EntryId>& ids, State to);
  void remove(const std::vector<redis::EntryId>& ids);
  [[nodiscard]] const redis::Delivery* find(redis::EntryId id) const;
  [[nodiscard]] bool is(redis::EntryId id, State state) const;

  [[nodiscard]] std::vector<redis::EntryId> ids() const;
  [[nodiscard]] std::vector<redis::EntryId> ids(State state) const;
  /// Counted as they come and go: asked for at every turn.
  [[nodiscard]] std::size_t count(State state) const { return counts_[index(state)]; }
  [[nodiscard]] std::size_t fresh_count() const { return fresh_; }

 private:
  struct Held {
    redis::Delivery delivery;
    State state = State::waiting;
  };
  [[nodiscard]] static constexpr std::size_t index(State state) {
    return static_cast<std::size_t>(state);
  }
  void count_in(const Held& held);
  void count_out(const Held& held);

  std::map<redis::EntryId, Held> held_;  // in order of id: first come, first served
  std::array<std::size_t, 4> counts_{};  // by state
  std::size_t fresh_ = 0;                // of the waiting: never delivered before
};

}  // namespace photoscribe
