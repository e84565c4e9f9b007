// walk_sources: the walks over all that a command names, one after the other, with progress.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "common/core/error.h"
#include "common/core/remote_settings.h"
#include "scheduler/run_events.h"
#include "scheduler/sources/list_walker.h"
#include "scheduler/sources/sources.h"

namespace photoscribe {

struct WalkedSources {
  SourcePlan plan;
  WalkOptions options;
  RemoteSettings remote;
  std::optional<ListSources> lists;
  std::function<void(const ListReport&)> on_lists;  // called once the lists were read, if any
};

/// Tells how many photos were found so far.
void report_found(RunObserver& observer, std::int64_t found);

/// `take` gets the photos in batches; `held`: as prepare_run(). What the walks met, but for that
/// over lists; none: a stop was asked for. Fails as they do, and as `take` does.
[[nodiscard]] Expected<std::optional<WalkReport>> walk_sources(
    WalkedSources sources, RunObserver& observer, const StopHandle& stop,
    std::unique_lock<std::mutex>* held,
    const std::function<Status(const std::vector<FoundFile>&)>& take);

}  // namespace photoscribe
