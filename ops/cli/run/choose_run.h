// choose_run: which run of a database a reading verb means.
#pragma once

#include <string>

#include "scheduler/store/lookup.h"

namespace photoscribe::cli {

/// The run of that name or, for an empty one, the newest: then standard error says which, when
/// there are several ("exporting run x, the newest; --run chooses …"). Fails with usage, naming the
/// runs.
[[nodiscard]] Expected<RunRow> choose_run(Lookup& store, const std::string& name,
                                          const std::string& database, const char* doing);

}  // namespace photoscribe::cli
