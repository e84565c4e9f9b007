// labels: a person's verdicts on photos, for `photoscribe calibrate`.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe::cli {

struct Label {
  std::string file;  // relative to the folder of photos
  bool blurred = false;
  std::string group;            // empty: a group of its own
  std::vector<double> columns;  // those asked for
};

/// Reads CSV with a heading: "file" (or "path", "image", "photo"), "label" (blurred or clear; also
/// blurry, sharp, 1, 0), optionally "group", and the `columns` asked for, which hold numbers. Fails
/// with invalid_config, naming file and line; a file named twice, or photos of only one kind, are
/// errors.
[[nodiscard]] Expected<std::vector<Label>> read_labels(const std::string& file,
                                                       const std::vector<std::string>& columns);

}  // namespace photoscribe::cli
