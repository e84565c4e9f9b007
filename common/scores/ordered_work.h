// ordered_work: pieces of work done on several threads and handed on in the order in which they
// came. Private to common/scores.
//
// The thread that adds them hands them on, and works itself while it would wait. So one thread
// alone needs no other, and what is handed on does not depend on their number.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

template <class Piece>
class OrderedWork {
 public:
  /// `work` is called on any thread and must not throw; `hand_on` on the caller's.
  OrderedWork(int threads, std::function<void(Piece&)> work, std::function<Status(Piece&)> hand_on)
      : work_(std::move(work)),
        hand_on_(std::move(hand_on)),
        under_way_max_(threads <= 1 ? 0 : 2 * static_cast<std::size_t>(threads)) {
    for (int i = 1; i < threads; ++i) helpers_.emplace_back([this] { help(); });
  }
  OrderedWork(const OrderedWork&) = delete;
  OrderedWork& operator=(const OrderedWork&) = delete;
  ~OrderedWork() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }

  /// Hands on earlier pieces where too many are under way; what hand_on said of one of these.
  [[nodiscard]] Status add(std::unique_ptr<Piece> piece) {
    {
      const std::lock_guard lock(mutex_);
      slots_.push_back({std::move(piece), State::waiting});
    }
    changed_.notify_all();
    return hand_on_until(under_way_max_);
  }
  /// Hands on the rest.
  [[nodiscard]] Status finish() { return hand_on_until(0); }

 private:
  enum class State { waiting, in_work, done };
  struct Slot {
    std::unique_ptr<Piece> piece;
    State state;
  };

  /// Works on one waiting piece; false: there is none.
  bool work_on_one(std::unique_lock<std::mutex>& lock) {
    const auto found = std::find_if(slots_.begin(), slots_.end(),
                                    [](const Slot& slot) { return slot.state == State::waiting; });
    if (found == slots_.end()) return false;
    Slot& slot = *found;  // a deque keeps it where it is
    slot.state = State::in_work;
    lock.unlock();
    work_(*slot.piece);
    lock.lock();
    slot.state = State::done;
    changed_.notify_all();
    return true;
  }
  void help() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      if (!work_on_one(lock)) changed_.wait(lock);
    }
  }
  Status hand_on_until(std::size_t left) {
    while (handed_) {
      std::unique_ptr<Piece> piece;
      {
        std::unique_lock lock(mutex_);
        if (slots_.size() <= left) return {};
        while (slots_.front().state != State::done) {
          if (!work_on_one(lock)) changed_.wait(lock);
        }
        piece = std::move(slots_.front().piece);
        slots_.pop_front();
      }
      handed_ = hand_on_(*piece);
    }
    return handed_;  // nothing more after an error
  }

  const std::function<void(Piece&)> work_;
  const std::function<Status(Piece&)> hand_on_;
  const std::size_t under_way_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Slot> slots_;
  bool ending_ = false;
  Status handed_;  // the caller's thread alone
  std::vector<std::thread> helpers_;
};

}  // namespace photoscribe
