// dispatcher: marks tasks as in hand and starts them, hands tasks back, and claims what a dead
// worker had in hand.
//
// It alone decides what is in hand: every START and RECLAIM goes over its connection, so their
// numbers rise in the order in which they are executed (protocol.md H10).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/queue/publisher.h"
#include "worker/queue/queue_parts.h"

namespace photoscribe {

class Dispatcher {
 public:
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  /// `publisher` outlives the dispatcher, too.
  Dispatcher(QueueParts parts, Publisher& publisher, std::string consumer, std::size_t batch_max);

  /// Until a stop begins.
  [[nodiscard]] Awaitable<void> loop();
  /// Hands back what is marked as returning. Fails as Redis does.
  [[nodiscard]] Awaitable<Status> hand_back_all();

 private:
  Awaitable<Status> turn();
  [[nodiscard]] std::size_t chunk_max() const;
  Awaitable<Expected<bool>> start_something();
  Awaitable<Status> start_fresh(std::string incarnation, std::size_t count);
  Awaitable<Status> start_suspect(std::string incarnation);
  Awaitable<Status> reclaim_one(std::string incarnation);
  void take_up(JoinedRun& run, redis::Delivery suspect);
  Awaitable<Status> mark_and_submit(std::string incarnation, std::vector<redis::EntryId> chosen);

  QueueParts parts_;
  Publisher& publisher_;
  const std::string consumer_;
  const std::size_t batch_max_;
  std::int64_t mark_number_ = 0;  // of start() and reclaim()
  bool suspect_in_hand_ = false;  // it is processed alone
};

/// Which of a run's orphans is next: the least delivered, and among these any, so that workers do
/// not all reach for the same one. `random`: any number. Not for an empty list.
[[nodiscard]] std::size_t choose_orphan(const std::vector<Orphan>& orphans, std::uint64_t random);

}  // namespace photoscribe
