// device_list: the devices that a person names for the workers. One owner of how they are written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// "auto" (none: the worker takes what is there), or names separated by commas: cpu, cuda:N, and
/// cuda for cuda:0. A name that comes twice counts once. Fails with usage on anything else.
[[nodiscard]] Expected<std::vector<std::string>> parse_device_list(std::string_view text);

}  // namespace photoscribe
