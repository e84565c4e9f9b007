// The recorder: what is in the results stream is what is not committed (H3).
#include <boost/asio/awaitable.hpp>
#include <utility>

#include "scheduler/scheduler.h"

namespace photoscribe {
namespace {

constexpr int kEntriesPerTransaction = 128;  // worker batches: thousands of results, one fsync

}  // namespace

asio::awaitable<Expected<std::int64_t>> Scheduler::record_once(
    std::optional<redis::EntryId> up_to) {
  // Always from the first entry: ids can go backwards, and nothing may be passed over.
  Expected<std::vector<redis::ResultEntry>> entries =
      co_await queue_.read_results(incarnation_, kEntriesPerTransaction);
  if (!entries) co_return fail(entries.error());
  if (up_to) std::erase_if(*entries, [&](const auto& entry) { return entry.id > *up_to; });
  if (entries->empty()) co_return 0;

  std::vector<redis::EntryId> ids;
  ids.reserve(entries->size());
  for (const redis::ResultEntry& entry : *entries) ids.push_back(entry.id);
  const auto count = static_cast<std::int64_t>(ids.size());
  Status committed = co_await take_in(std::move(*entries));
  if (!committed) co_return fail(committed.error());
  Status deleted = co_await queue_.delete_results(incarnation_, std::move(ids));
  if (!deleted) co_return fail(deleted.error());
  co_return count;
}

asio::awaitable<Status> Scheduler::take_in(std::vector<redis::ResultEntry> entries) {
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
  const RunId run = settings_.run;
  RunCounts counts;
  // By reference: the call is awaited here, and may be made several times on a full disk.
  const auto record = [run, &incoming, &counts](Store& store) -> Expected<RecordReport> {
    Expected<RecordReport> report = store.record(run, incoming);
    if (!report) return report;
    const Expected<RunCounts> now = store.counts(run);
    if (!now) return fail(now.error());
    counts = *now;
    return report;
  };
  Expected<RecordReport> report = co_await stored(record);
  if (!report) co_return fail(report.error());
  now_.counts = counts;
  note_report(*report);
  note_fresh(std::move(report->fresh));
  co_return Status();
}

void Scheduler::note_report(const RecordReport& report) {
  now_.done += report.done;
  now_.unsure += report.unsure;
  now_.blurred += report.blurred;
  now_.failed += report.failed;
  now_.enqueued -= report.recorded + report.requeued;
  if (report.recorded + report.replaced > 0) {
    now_.last_result = std::chrono::steady_clock::now();
    say_writes_again();
  }
  if (report.requeued > 0) all_enqueued_ = false;
  if (report.quarantined > 0) {
    say(EventLevel::warning, std::to_string(report.quarantined) +
                                 " entries of the results stream could not be read and are kept in "
                                 "the database's table quarantine");
  }
  if (report.unknown > 0) {
    say(EventLevel::warning, std::to_string(report.unknown) +
                                 " results were refused: they name images that this run has not");
  }
  feeder_timer_.cancel();  // there is room in the window
}

}  // namespace photoscribe
