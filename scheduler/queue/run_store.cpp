#include "scheduler/queue/run_store.h"

#include <chrono>
#include <utility>

#include "common/async/wakeable_timer.h"
#include "scheduler/queue/store_thread.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

}  // namespace

RunStore::RunStore(StoreThread& store, RunId run, const Mode& mode, TroubleReporter& reporter)
    : store_(store), run_(run), mode_(mode), reporter_(reporter) {}

template <class Fn>
asio::awaitable<std::invoke_result_t<Fn&, Store&, RunId>> RunStore::persist(Fn fn) {
  for (;;) {
    auto once = [run = run_, fn](Store& store) mutable { return fn(store, run); };
    auto result = co_await store_.call(std::move(once));
    if (result) {
      reporter_.end(Trouble::disk);
      co_return result;
    }
    const Errc code = result.error().code;
    if (code != Errc::store_busy && code != Errc::store_full) co_return result;
    if (!co_await wait_for_disk(result.error())) co_return result;
  }
}

asio::awaitable<bool> RunStore::wait_for_disk(Error error) {
  if (is_ending(mode_)) co_return false;
  reporter_.begin(Trouble::disk, error.message + ": waiting until the database can be written");
  // Short steps, since the end of a run wakes nobody.
  const int steps = error.code == Errc::store_full ? 20 : 2;
  for (int i = 0; i < steps && !is_ending(mode_); ++i) co_await sleep_for(milliseconds(100));
  co_return !is_ending(mode_);
}

/// A call of one of the store's parts. Not a coroutine, so that the closure lives in persist()'s.
template <class Part, class Result, class... Parameters, class... Arguments>
asio::awaitable<Result> RunStore::ask(Result (Part::*call)(RunId, Parameters...),
                                      Arguments... arguments) {
  return persist([call, ... arguments = std::move(arguments)](Part& part, RunId run) {
    return (part.*call)(run, arguments...);
  });
}

asio::awaitable<Expected<RunCounts>> RunStore::counts() { return ask(&Lookup::counts); }

asio::awaitable<Expected<std::string>> RunStore::incarnation() {
  const Expected<RunRow> row = co_await ask(&Lookup::run);
  if (!row) co_return fail(row.error());
  co_return row->incarnation.value_or("");
}

asio::awaitable<Status> RunStore::begin_incarnation(std::string incarnation) {
  return ask(&Recording::begin_incarnation, std::move(incarnation));
}

asio::awaitable<Status> RunStore::end_incarnation() { return ask(&Recording::end_incarnation); }

asio::awaitable<Expected<std::vector<std::string>>> RunStore::past_incarnations() {
  return ask(&Recording::past_incarnations);
}

asio::awaitable<Status> RunStore::forget_incarnations(std::int64_t before_unix_ms) {
  return ask(&Recording::forget_incarnations, before_unix_ms);
}

asio::awaitable<Expected<std::vector<Task>>> RunStore::take_tasks(std::int64_t count) {
  return ask(&Recording::take_tasks, static_cast<std::size_t>(count));
}

asio::awaitable<Expected<std::vector<ImageAttempt>>> RunStore::unfinished_enqueued() {
  return ask(&Recording::unfinished_enqueued);
}

asio::awaitable<Expected<std::vector<Task>>> RunStore::tasks_of(
    std::span<const ImageAttempt> images) {
  return ask(&Recording::tasks_of, images);
}

asio::awaitable<Expected<Recorded>> RunStore::record(const Incoming& incoming) {
  const auto record = [&incoming](Store& store, RunId run) -> Expected<Recorded> {
    Expected<RecordReport> report = store.record(run, incoming);
    if (!report) return fail(report.error());
    const Expected<RunCounts> counts = store.counts(run);
    if (!counts) return fail(counts.error());
    Recorded recorded;
    recorded.report = std::move(*report);
    recorded.counts = *counts;
    return recorded;
  };
  co_return co_await persist(record);
}

asio::awaitable<Expected<SharedResults>> RunStore::results_to_share(
    std::optional<std::int64_t> below, std::int64_t rows) {
  const auto read = [run = run_, below, rows](Recording& store) {
    return store.results_to_share(run, below, rows);
  };
  co_return co_await store_.call(read);
}

asio::awaitable<Status> RunStore::add_work(WorkDone work) {
  const auto add = [run = run_, work](Recording& store) { return store.add_work(run, work); };
  co_return co_await store_.call(add);
}

asio::awaitable<Expected<std::int64_t>> RunStore::index_captions(std::size_t count) {
  const auto index = [count](Recording& store, RunId /*run*/) {
    return store.index_captions(count);
  };
  co_return co_await persist(index);
}

}  // namespace photoscribe
