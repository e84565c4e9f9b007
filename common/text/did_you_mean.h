// did_you_mean: the name that a misspelt one was probably meant to be.
#pragma once

#include <string>
#include <vector>

namespace photoscribe {

/// "; did you mean X?" when a name is near (by edits of a letter), else "".
[[nodiscard]] std::string did_you_mean(const std::string& name,
                                       const std::vector<std::string>& names);

}  // namespace photoscribe
