// walk_notes: what a person is told of a walk and of lists, in the summary.
#pragma once

#include <cstddef>

#include "scheduler/run/prepare_run.h"
#include "scheduler/sources/list_walker.h"

namespace photoscribe {

void note_walk(const WalkReport& report, std::vector<std::string>& notes);

/// `counts`: of the scan, once the lists were read.
void note_lists(const ListReport& report, const ScanCounts& counts, PreparedRun& prepared);

/// What --split, which lists `names` photos, did not find.
void note_split(const WalkReport& report, std::size_t names, const RunRequest& request,
                PreparedRun& prepared);

}  // namespace photoscribe
