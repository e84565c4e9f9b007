// yaml_file: a YAML document of a file, whatever the name leads to. Private to common/core.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace photoscribe {

/// Throws std::runtime_error naming `path` when it is no file (a folder, a device) or over 4 MiB,
/// and YAML::Exception as YAML::Load() does.
[[nodiscard]] YAML::Node load_yaml(const std::string& path);

}  // namespace photoscribe
