// run_store: the store for one run's scheduler: awaitable, bound to the run, and waiting out a full
// or locked disk. The one place where the parts of a Scheduler use SQLite.
//
// Errors are Store's; store_busy and store_full come back only once the run is ending.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/core/error.h"
#include "common/core/types.h"
#include "scheduler/queue/run_mode.h"
#include "scheduler/queue/trouble_reporter.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

namespace asio = boost::asio;
class Store;
class StoreThread;

/// What a commit of the recorder did, and the run's counts after it.
struct Recorded {
  RecordReport report;
  RunCounts counts;
};

class RunStore {
 public:
  /// References must outlive this.
  RunStore(StoreThread& store, RunId run, const Mode& mode, TroubleReporter& reporter);

  template <class T>
  using Awaitable = asio::awaitable<Expected<T>>;

  [[nodiscard]] Awaitable<RunCounts> counts();

  // --- the run's keys ---

  /// Empty: none is stored.
  [[nodiscard]] Awaitable<std::string> incarnation();
  [[nodiscard]] Awaitable<void> begin_incarnation(std::string incarnation);
  [[nodiscard]] Awaitable<void> end_incarnation();
  [[nodiscard]] Awaitable<std::vector<std::string>> past_incarnations();
  [[nodiscard]] Awaitable<void> forget_incarnations(std::int64_t before_unix_ms);

  // --- tasks ---

  [[nodiscard]] Awaitable<std::vector<Task>> take_tasks(std::int64_t count);
  [[nodiscard]] Awaitable<std::vector<ImageAttempt>> unfinished_enqueued();
  /// `images` must stay until it returns.
  [[nodiscard]] Awaitable<std::vector<Task>> tasks_of(std::span<const ImageAttempt> images);

  // --- results ---

  /// `incoming` must stay until it returns: a full disk makes it several calls.
  [[nodiscard]] Awaitable<Recorded> record(const Incoming& incoming);
  /// Not worth a wait: fails at once.
  [[nodiscard]] Awaitable<SharedResults> results_to_share(std::optional<std::int64_t> below,
                                                          std::int64_t rows);
  [[nodiscard]] Awaitable<std::int64_t> index_captions(std::size_t count);
  /// Not worth a wait, either.
  [[nodiscard]] Awaitable<void> add_work(WorkDone work);

 private:
  /// `fn(store, run)` on the store's thread, again and again while the disk is full or locked.
  template <class Fn>
  asio::awaitable<std::invoke_result_t<Fn&, Store&, RunId>> persist(Fn fn);
  template <class Part, class Result, class... Parameters, class... Arguments>
  asio::awaitable<Result> ask(Result (Part::*call)(RunId, Parameters...), Arguments... arguments);
  asio::awaitable<bool> wait_for_disk(Error error);

  StoreThread& store_;
  const RunId run_;
  const Mode& mode_;
  TroubleReporter& reporter_;
};

}  // namespace photoscribe
