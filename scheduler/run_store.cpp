#include "scheduler/run_store.h"

#include <utility>

#include "scheduler/wakeable_timer.h"

namespace photoscribe {
namespace {

using std::chrono::milliseconds;

}  // namespace

RunStore::RunStore(asio::io_context& io, StoreThread& store, RunId run, const Mode& mode,
                   TroubleReporter& reporter)
    : io_(io), store_(store), run_(run), mode_(mode), reporter_(reporter) {}

template <class Fn>
asio::awaitable<std::invoke_result_t<Fn&, Store&, RunId>> RunStore::persist(Fn fn) {
  for (;;) {
    auto once = [run = run_, fn](Store& store) mutable { return fn(store, run); };
    auto result = co_await store_.call(std::move(once));
    if (result) {
      reporter_.is_over(Trouble::disk);
      co_return result;
    }
    const Errc code = result.error().code;
    if (code != Errc::store_busy && code != Errc::store_full) co_return result;
    if (!co_await wait_for_disk(result.error())) co_return result;
  }
}

asio::awaitable<bool> RunStore::wait_for_disk(Error error) {
  if (is_ending(mode_)) co_return false;
  reporter_.begins(Trouble::disk, error.message + ": waiting until the database can be written");
  // A timer of its own, since several coroutines may wait here, and short steps, since the end of a
  // run wakes nobody.
  WakeableTimer timer(io_);
  const int steps = error.code == Errc::store_full ? 20 : 2;
  for (int i = 0; i < steps && !is_ending(mode_); ++i) co_await timer.rest(milliseconds(100));
  co_return !is_ending(mode_);
}

asio::awaitable<Expected<RunCounts>> RunStore::counts() {
  const auto count = [](Store& store, RunId run) { return store.counts(run); };
  co_return co_await persist(count);
}

asio::awaitable<Expected<std::string>> RunStore::incarnation() {
  const auto read = [](Store& store, RunId run) -> Expected<std::string> {
    const Expected<RunRow> row = store.run(run);
    if (!row) return fail(row.error());
    return row->incarnation.value_or("");
  };
  co_return co_await persist(read);
}

asio::awaitable<Status> RunStore::begin_incarnation(std::string incarnation) {
  const auto begin = [&incarnation](Store& store, RunId run) {
    return store.begin_incarnation(run, incarnation);
  };
  co_return co_await persist(begin);
}

asio::awaitable<Status> RunStore::end_incarnation() {
  const auto end = [](Store& store, RunId run) { return store.end_incarnation(run); };
  co_return co_await persist(end);
}

asio::awaitable<Expected<std::vector<std::string>>> RunStore::past_incarnations() {
  const auto list = [](Store& store, RunId run) { return store.past_incarnations(run); };
  co_return co_await persist(list);
}

asio::awaitable<Status> RunStore::forget_incarnations(std::int64_t before_unix_ms) {
  const auto forget = [before_unix_ms](Store& store, RunId run) {
    return store.forget_incarnations(run, before_unix_ms);
  };
  co_return co_await persist(forget);
}

asio::awaitable<Expected<std::vector<Task>>> RunStore::take_tasks(std::int64_t count) {
  const auto take = [count](Store& store, RunId run) {
    return store.take_tasks(run, static_cast<std::size_t>(count));
  };
  co_return co_await persist(take);
}

asio::awaitable<Expected<std::vector<ImageAttempt>>> RunStore::unfinished_enqueued() {
  const auto list = [](Store& store, RunId run) { return store.unfinished_enqueued(run); };
  co_return co_await persist(list);
}

asio::awaitable<Expected<std::vector<Task>>> RunStore::tasks_of(
    std::span<const ImageAttempt> images) {
  const auto read = [images](Store& store, RunId run) { return store.tasks_of(run, images); };
  co_return co_await persist(read);
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
  const auto read = [run = run_, below, rows](Store& store) {
    return store.results_to_share(run, below, rows);
  };
  co_return co_await store_.call(read);
}

asio::awaitable<Expected<std::int64_t>> RunStore::index_captions(std::size_t count) {
  const auto index = [count](Store& store, RunId /*run*/) { return store.index_captions(count); };
  co_return co_await persist(index);
}

}  // namespace photoscribe
