#include "scheduler/run/walk_sources.h"

#include <utility>

#include "scheduler/sources/remote_sources.h"

namespace photoscribe {
namespace {

constexpr std::size_t kFilesAtOnce = 5'000;  // a commit and a progress report each

void report_found(RunObserver& observer, std::int64_t found) {
  RunProgress progress;
  progress.phase = "looking for photos";
  progress.found = found;
  observer.progress(progress);
}

/// Walks `walker` to its end; `take` gets each batch. False when a stop was asked for.
template <class AnyWalker>
Expected<bool> walk(AnyWalker& walker, RunObserver& observer, const StopHandle& stop,
                    std::unique_lock<std::mutex>* held, std::int64_t before,
                    const std::function<Status(const std::vector<FoundFile>&)>& take) {
  std::int64_t found = before;
  report_found(observer, found);
  for (;;) {
    if (stop.requests() > 0) return false;
    if (held != nullptr) held->unlock();
    const Expected<std::vector<FoundFile>> files = walker.next(kFilesAtOnce);
    if (held != nullptr) held->lock();
    if (!files) return fail(files.error());
    if (files->empty()) return true;
    if (Status taken = take(*files); !taken) return fail(taken.error());
    found += static_cast<std::int64_t>(files->size());
    report_found(observer, found);
  }
}

}  // namespace

Expected<std::optional<WalkReport>> walk_sources(
    WalkedSources sources, RunObserver& observer, const StopHandle& stop,
    std::unique_lock<std::mutex>* held,
    const std::function<Status(const std::vector<FoundFile>&)>& take) {
  const bool more = !sources.plan.remote.empty() || !sources.plan.url_lists.empty();
  const SourcePlan plan = more ? sources.plan : SourcePlan();
  WalkOptions left = sources.options;
  Walker walker(std::move(sources.plan), std::move(sources.options));
  const Expected<bool> walked = walk(walker, observer, stop, held, 0, take);
  if (!walked) return fail(walked.error());
  if (!*walked) return std::nullopt;
  WalkReport report = walker.report();
  if (!more) return report;
  if (left.limit) *left.limit -= report.files;
  RemoteWalker further(plan, std::move(left), sources.remote);
  const Expected<bool> walked_on = walk(further, observer, stop, held, report.files, take);
  if (!walked_on) return fail(walked_on.error());
  if (!*walked_on) return std::nullopt;
  add_report(report, further.report());
  return report;
}

}  // namespace photoscribe
