// ask: a verb's request about a run is carried out by the process that holds the database: its
// scheduler, over the control socket, or this process if there is none (design.md 2).
#pragma once

#include <functional>

#include "common/core/error.h"
#include "ops/cli/run/database_option.h"
#include "scheduler/control/control.h"

namespace photoscribe::cli {

using DoHere = std::function<Expected<ControlReply>(Store& store)>;

/// Sends the request to the database's scheduler and waits for the reply; without a scheduler,
/// takes the database's lock and applies it here. Waits at most ten seconds for a scheduler that is
/// starting or ending.
///
/// `do_here` replaces apply_request() when this process applies it.
[[nodiscard]] Expected<ControlReply> ask_or_do(const DatabasePlace& place,
                                               const ControlRequest& request,
                                               const DoHere& do_here = {});

/// Waits until no process holds the database.
void wait_for_writer_to_end(const std::string& database);

}  // namespace photoscribe::cli
