// ask: what a verb asks of a run is done by the process that holds the database: its scheduler,
// over the control socket, or this process when nobody holds it (design.md 2).
#pragma once

#include <functional>

#include "common/core/error.h"
#include "ops/cli/run/database_option.h"
#include "scheduler/control/control.h"

namespace photoscribe::cli {

using DoHere = std::function<Expected<ControlReply>(Store& store)>;

/// Takes the database's lock and does what is asked, or asks its scheduler and waits for the
/// answer. A scheduler that is starting or ending is waited for, ten seconds at most.
///
/// `do_here` replaces apply_request() where this process does it.
[[nodiscard]] Expected<ControlReply> ask_or_do(const DatabasePlace& place,
                                               const ControlRequest& request,
                                               const DoHere& do_here = {});

/// Waits until no process writes the database.
void wait_for_writer_to_end(const std::string& database);

}  // namespace photoscribe::cli
