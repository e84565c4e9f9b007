// takeout: which JSON file of a Google Takeout is a photo's, and what it says
// (ops/docs/sources.md).
//
// Judges by names alone; the caller reads the files, of a folder or of an archive.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/store/run_types.h"

namespace photoscribe::sidecars {

struct TakeoutSidecar {
  std::string name;
  bool sure = false;  // else its title must be that of the photo, too
};

/// The sidecars that may be this photo's, the likeliest first. `json_names`: those of its folder
/// that end in ".json", sorted by bytes.
[[nodiscard]] std::vector<TakeoutSidecar> takeout_sidecars(std::string_view photo,
                                                           std::span<const std::string> json_names);

/// taken_at, latitude, longitude, title (the name that the file had), text, people, favorite, url
/// and source; nothing when the text is no sidecar of a Takeout, or, unless it is `sure`, another
/// photo's.
[[nodiscard]] std::optional<KeptValues> read_takeout(std::string_view text, std::string_view photo,
                                                     bool sure);

}  // namespace photoscribe::sidecars
