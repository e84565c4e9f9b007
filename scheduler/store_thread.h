// store_thread: SQLite behind one thread, awaited from the io_context (STYLE 2.6.4).
//
// The store is not thread-safe and its calls block; every call of a running scheduler goes through
// here, one after the other. What a person should know about a full or locked disk is said by the
// caller (Scheduler::stored).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
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
    return asio::co_spawn(thread_, invoke<Fn>(&store_, std::move(fn)), asio::use_awaitable);
  }

 private:
  template <class Fn>
  static asio::awaitable<std::invoke_result_t<Fn&, Store&>> invoke(Store* store, Fn fn) {
    co_return fn(*store);
  }

  Store& store_;
  asio::thread_pool thread_;
};

}  // namespace photoscribe
