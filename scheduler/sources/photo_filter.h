// photo_filter: which of the photos that a source has are asked for. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/sources/sources.h"

namespace photoscribe {

/// Whether one of `globs` matches the relative path or, without a slash in it, the name.
[[nodiscard]] bool matches_any(const std::vector<std::string>& globs, const std::string& path);

/// By --include, --exclude and --split.
[[nodiscard]] bool is_wanted(const WalkOptions& options, const std::string& path);

/// Lower case, with its dot; "" for a name without one.
[[nodiscard]] std::string extension_of(std::string_view name);

/// Counts of names that are no photos, by extension; so many different ones at most that an archive
/// with a number as every extension does not fill memory.
void count_skipped(std::map<std::string, std::int64_t>& skipped, std::string_view name);

/// Most frequent first.
[[nodiscard]] std::vector<SkippedExtension> most_frequent(
    const std::map<std::string, std::int64_t>& skipped);

}  // namespace photoscribe
