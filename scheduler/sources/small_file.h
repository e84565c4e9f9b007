// small_file: a regular file's bytes, read whole if there are few.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace photoscribe {

/// Nothing for what is not there, is a link or no file, cannot be read, or has more bytes.
[[nodiscard]] std::optional<std::string> read_small_file(const std::string& file,
                                                         std::size_t bytes_max);

}  // namespace photoscribe
