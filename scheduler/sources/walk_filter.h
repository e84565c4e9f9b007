// walk_filter: which files --include, --exclude and --split leave.
#pragma once

#include <string>
#include <vector>

#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Whether one of the globs (WalkOptions) matches.
[[nodiscard]] bool matches_any(const std::vector<std::string>& globs, const std::string& path);

/// Of a file whose folders are not excluded.
[[nodiscard]] bool wants_file(const WalkOptions& options, const std::string& path);

/// The same, its folders looked at, too.
[[nodiscard]] bool wants_path(const WalkOptions& options, const std::string& path);

/// Whether anything may be left out.
[[nodiscard]] bool filters(const WalkOptions& options);

}  // namespace photoscribe
