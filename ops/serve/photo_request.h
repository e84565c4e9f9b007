// photo_request: parses the parameters of an address as a query for photos. Pure.
#pragma once

#include <map>
#include <string>

#include "common/core/error.h"
#include "ops/serve/archive.h"

namespace photoscribe::serve {

using Parameters = std::map<std::string, std::string>;

/// run, state (several with commas), reason, since, until (YYYY-MM-DD or seconds since 1970, UTC),
/// confidence_min, confidence_max, blur_min, blur_max, near_duplicates, vanished, edited (each 1),
/// root (its id), folder, q, sort, order (asc or desc). Fails with usage, naming the parameter.
[[nodiscard]] Expected<PhotoQuery> photo_query(const Parameters& parameters);

/// A search while it is being typed: its last word matches as a prefix.
[[nodiscard]] std::string as_typed(std::string words);

/// A whole number in [least, most]; `fallback` if it is not given. Fails with usage.
[[nodiscard]] Expected<std::int64_t> integer_parameter(const Parameters& parameters,
                                                       const std::string& name, std::int64_t least,
                                                       std::int64_t most, std::int64_t fallback);
/// A finite number; none if it is not given. Fails with usage.
[[nodiscard]] Expected<std::optional<double>> real_parameter(const Parameters& parameters,
                                                             const std::string& name);

}  // namespace photoscribe::serve
