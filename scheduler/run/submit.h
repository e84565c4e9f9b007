// submit: a request to add photos, sent to the scheduler that holds the database as one line of
// JSON (in a request of control.h), and what it does there.
//
// Paths are sent as raw bytes in hexadecimal. The request is checked by the same prepare_run() as
// that of `photoscribe run`; nothing but the manifest is changed.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/run/run_batch.h"

namespace photoscribe {

/// What determines the manifest: photos, run, settings, filters, references, schedule, and whether
/// folders are watched. Paths must be absolute. One line, its newline included.
[[nodiscard]] std::string submission_line(const RunRequest& request);
/// Fails with bad_payload if it is no such line.
[[nodiscard]] Expected<RunRequest> parse_submission(std::string_view line);

/// Fills the run's manifest, and notes what is to be watched. `held`, when given, is locked at the
/// call and at the return, and released while folders are read, so that others can use the store
/// meanwhile.
[[nodiscard]] Expected<PreparedRun> take_submission(Store& store, const RunRequest& request,
                                                    RunObserver& observer, const StopHandle& stop,
                                                    std::unique_lock<std::mutex>* held = nullptr);

}  // namespace photoscribe
