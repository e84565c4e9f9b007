// store_thread: SQLite behind one thread, awaited from the io_context (style.md 5).
//
// The store is not thread-safe and its calls block; every call of a running scheduler goes through
// here, one after the other. A full or locked disk is reported by the caller (RunStore).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <type_traits>
#include <utility>

#include "scheduler/store/store.h"

namespace photoscribe {

namespace asio = boost::asio;

class StoreThread {
 public:
  explicit StoreThread(Store& store) : store_(store), thread_(1) {}
  /// Waits for the call that is running.
  ~StoreThread() { thread_.join(); }

  /// Runs `fn(store)` on the thread and resumes on the caller's executor with what it returned.
  template <class Fn>
  asio::awaitable<std::invoke_result_t<Fn&, Store&>> call(Fn fn) {
    return asio::co_spawn(thread_, invoke<Fn>(this, std::move(fn)), asio::use_awaitable);
  }

  /// For a long job on its own thread: it may use the store while it holds mutex(), and should
  /// release it as often as it can.
  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] std::mutex& mutex() { return mutex_; }

 private:
  template <class Fn>
  static asio::awaitable<std::invoke_result_t<Fn&, Store&>> invoke(StoreThread* self, Fn fn) {
    const std::lock_guard alone(self->mutex_);
    co_return fn(self->store_);
  }

  Store& store_;
  std::mutex mutex_;
  asio::thread_pool thread_;
};

}  // namespace photoscribe
