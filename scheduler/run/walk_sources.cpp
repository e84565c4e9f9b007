#include "scheduler/run/walk_sources.h"

#include <future>
#include <utility>

#include "scheduler/sources/remote_sources.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFilesAtOnce = 5'000;  // a commit and a progress report each

/// Walks one after the other to its end. While photos are written to the database, a thread looks
/// for the next ones.
struct Walks {
  RunObserver& observer;
  const StopHandle& stop;
  std::unique_lock<std::mutex>* held;
  const std::function<Status(const std::vector<FoundFile>&)>& take;
  std::int64_t found = 0;  // by those before

  /// False when a stop was asked for.
  template <class AnyWalker>
  Expected<bool> walk(AnyWalker& walker) {
    report_found(observer, found);
    const auto next = [&walker] { return walker.next(kFilesAtOnce); };
    auto ahead = std::async(std::launch::async, next);  // its end is waited for, however this ends
    for (;;) {
      if (stop.requests() > 0) return false;
      if (held != nullptr) held->unlock();
      const Expected<std::vector<FoundFile>> files = ahead.get();
      if (held != nullptr) held->lock();
      if (!files) return fail(files.error());
      if (files->empty()) {
        if (stop.requests() > 0) return false;
        break;
      }
      const std::int64_t so_far = found + walker.report().files;
      ahead = std::async(std::launch::async, next);
      if (Status taken = take(*files); !taken) return fail(taken.error());
      report_found(observer, so_far);
    }
    found += walker.report().files;
    return true;
  }
};

}  // namespace

void report_found(RunObserver& observer, std::int64_t found) {
  RunProgress progress;
  progress.phase = "looking for photos";
  progress.found = found;
  observer.progress(progress);
}

Expected<std::optional<WalkReport>> walk_sources(
    WalkedSources sources, RunObserver& observer, const StopHandle& stop,
    std::unique_lock<std::mutex>* held,
    const std::function<Status(const std::vector<FoundFile>&)>& take) {
  Walks walks{observer, stop, held, take};
  WalkOptions& options = sources.options;
  options.goes_on = [&stop] { return stop.requests() == 0; };
  const auto walk = [&](auto& walker) -> Expected<bool> {
    const Expected<bool> walked = walks.walk(walker);
    if (walked && *walked && options.limit) *options.limit -= walker.report().files;
    return walked;
  };
  if (sources.lists) {
    ListWalker lists(std::move(*sources.lists), sources.plan, options);
    const Expected<bool> walked = walk(lists);
    if (!walked) return fail(walked.error());
    if (!*walked) return std::nullopt;
    sources.on_lists(lists.report());
  }
  Walker walker(sources.plan, options);
  const Expected<bool> walked = walk(walker);
  if (!walked) return fail(walked.error());
  if (!*walked) return std::nullopt;
  WalkReport report = walker.report();
  if (sources.plan.remote.empty() && sources.plan.url_lists.empty()) return report;
  RemoteWalker further(sources.plan, options, sources.remote);
  const Expected<bool> walked_on = walk(further);
  if (!walked_on) return fail(walked_on.error());
  if (!*walked_on) return std::nullopt;
  add_report(report, further.report());
  return report;
}

}  // namespace photoscribe
