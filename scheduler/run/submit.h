// submit: a request for photos on its way to the scheduler that holds the database, as one line of
// JSON (control.h carries it), and what it does there.
//
// Paths travel as raw bytes in hexadecimal. What is asked is checked by the same prepare_run() as
// that of `photoscribe run`; nothing but the manifest is touched.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "common/core/error.h"
#include "scheduler/run/prepare_run.h"
#include "scheduler/run/run_batch.h"

namespace photoscribe {

/// What decides about the manifest: photos, run, settings, filters, references, schedule. Paths
/// must be absolute. One line, its newline included.
[[nodiscard]] std::string submission_line(const RunRequest& request);
/// bad_payload: not such a line.
[[nodiscard]] Expected<RunRequest> parse_submission(std::string_view line);

/// Fills the run's manifest. `held`, when given, is locked at the call and at the return, and let
/// go while folders are read, so that others get at the store meanwhile.
[[nodiscard]] Expected<PreparedRun> take_submission(Store& store, const RunRequest& request,
                                                    RunObserver& observer, const StopHandle& stop,
                                                    std::unique_lock<std::mutex>* held = nullptr);

}  // namespace photoscribe
