// choose_run: which run of a database a reading verb means.
#pragma once

#include <string>

#include "scheduler/store/lookup.h"

namespace photoscribe::cli {

/// The run of that name. An empty name means the newest run; if there are several, this prints
/// which one to standard error ("exporting run x, the newest; --run chooses …"). Fails with usage,
/// naming the runs.
[[nodiscard]] Expected<RunRow> choose_run(Lookup& store, const std::string& name,
                                          const std::string& database, const char* doing);

}  // namespace photoscribe::cli
