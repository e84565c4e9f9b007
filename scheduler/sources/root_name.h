// root_name: what a new root is called.
#pragma once

#include <set>
#include <string>

namespace photoscribe {

/// After the folder ([a-z0-9_-]), with a number behind it when that is taken.
[[nodiscard]] std::string root_name_for(const std::string& folder,
                                        const std::set<std::string>& taken);

}  // namespace photoscribe
