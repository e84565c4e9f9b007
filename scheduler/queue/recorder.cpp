#include "scheduler/queue/recorder.h"

#include <string>
#include <utility>

namespace photoscribe {
namespace {

constexpr int kEntriesPerTransaction = 128;  // worker batches: thousands of results, one fsync

}  // namespace

Recorder::Recorder(redis::SchedulerQueue& queue, const RunKeys& keys, RunStore& store,
                   RunTally& tally, ResultSharer& sharer, Feeder& feeder, TroubleReporter& reporter,
                   RunMeters& meters, const Mode& mode)
    : queue_(queue),
      keys_(keys),
      store_(store),
      tally_(tally),
      sharer_(sharer),
      feeder_(feeder),
      reporter_(reporter),
      meters_(meters),
      mode_(mode) {}

asio::awaitable<Expected<std::int64_t>> Recorder::record_some() {
  return record_up_to(std::nullopt);
}

asio::awaitable<Status> Recorder::record_available() {
  const Expected<std::optional<redis::EntryId>> last =
      co_await queue_.last_result(keys_.incarnation());
  if (!last) co_return fail(last.error());
  if (!last->has_value()) co_return Status();
  for (;;) {
    if (mode_ == Mode::abort) co_return fail(Errc::cancelled, "record: asked to stop");
    const Expected<std::int64_t> recorded = co_await record_up_to(**last);
    if (!recorded) co_return fail(recorded.error());
    if (*recorded == 0) co_return Status();
  }
}

asio::awaitable<Expected<std::int64_t>> Recorder::record_up_to(std::optional<redis::EntryId> last) {
  // Always from the first entry: ids can go backwards, and nothing may be skipped.
  Expected<std::vector<redis::ResultEntry>> entries =
      co_await queue_.read_results(keys_.incarnation(), kEntriesPerTransaction);
  if (!entries) co_return fail(entries.error());
  if (last) std::erase_if(*entries, [&](const auto& entry) { return entry.id > *last; });
  if (entries->empty()) co_return 0;

  std::vector<redis::EntryId> ids;
  ids.reserve(entries->size());
  for (const redis::ResultEntry& entry : *entries) ids.push_back(entry.id);
  const auto count = static_cast<std::int64_t>(ids.size());
  Status committed = co_await commit(std::move(*entries));
  if (!committed) co_return fail(committed.error());
  Status deleted = co_await queue_.delete_results(keys_.incarnation(), std::move(ids));
  if (!deleted) co_return fail(deleted.error());
  co_return count;
}

Incoming Recorder::sorted(std::vector<redis::ResultEntry> entries) {
  Incoming incoming;
  for (redis::ResultEntry& entry : entries) {
    if (entry.problem.empty()) {
      incoming.batches.push_back(std::move(entry.batch));
      continue;
    }
    Unparsable unparsable;
    unparsable.entry_id = redis::to_string(entry.id);
    unparsable.bytes = std::move(entry.raw);
    unparsable.why = entry.problem;
    incoming.unparsable.push_back(std::move(unparsable));
    ResultBatch salvaged = unreadable_.take(std::move(entry));
    if (!salvaged.results.empty()) incoming.batches.push_back(std::move(salvaged));
  }
  return incoming;
}

asio::awaitable<Status> Recorder::commit(std::vector<redis::ResultEntry> entries) {
  const Incoming incoming = sorted(std::move(entries));
  const RunTally::Clock::time_point start = RunTally::Clock::now();
  Expected<Recorded> recorded = co_await store_.record(incoming);
  if (!recorded) co_return fail(recorded.error());
  measure(recorded->report, RunTally::Clock::now() - start);
  tally_.add_recorded(recorded->report, recorded->counts, RunTally::Clock::now());
  note(recorded->report);
  sharer_.add(std::move(recorded->report.fresh));
  co_return Status();
}

void Recorder::measure(const RecordReport& report, RunTally::Clock::duration time) {
  meters_.commit_seconds.observe(std::chrono::duration<double>(time).count());
  meters_.commit_results.observe(static_cast<double>(report.outcomes.size()));
  const auto add = [](Counter& counter, std::int64_t more) {
    counter.add(static_cast<std::uint64_t>(more));
  };
  add(meters_.done, report.done);
  add(meters_.unsure, report.unsure);
  add(meters_.blurred, report.blurred);
  add(meters_.failed, report.failed);
  add(meters_.rejudged, report.requeued);
}

void Recorder::note(const RecordReport& report) {
  if (report.recorded + report.replaced > 0) reporter_.end(Trouble::refusal);
  if (report.quarantined > 0) {
    reporter_.report(EventLevel::warning,
                     std::to_string(report.quarantined) +
                         " entries of the results stream could not be read and are kept in "
                         "the database's table quarantine");
  }
  if (report.unknown > 0) {
    reporter_.report(EventLevel::warning,
                     std::to_string(report.unknown) +
                         " results were refused: they name images that this run does not have");
  }
  if (report.requeued > 0) feeder_.look_again();
  feeder_.wake();  // there is room in the window
}

}  // namespace photoscribe
