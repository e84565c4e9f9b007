// config_fields: the one list of settings, each with its help, its bounds and the way text becomes
// it.
//
// Inside common/core only: config.cpp reads file, environment and flags, and writes the file, by
// walking this list. Fields point into the Config they were made from, which must outlive them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/core/config.h"

namespace photoscribe {

/// One setting: what it is called and means, and how text becomes it. `set` returns what is wrong
/// with the text, or nothing.
struct Field {
  std::string key;
  std::string help;
  std::function<std::string(const std::string&)> set;
  std::function<std::string()> show;
};

/// Every setting, in the order of the file. Those of runs are of setting_fields()'s table.
[[nodiscard]] std::vector<Field> config_fields(Config& c);

}  // namespace photoscribe
