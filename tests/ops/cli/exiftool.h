// exiftool: reads the files that an export wrote as other programs do.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/ops/cli/program.h"

namespace photoscribe::cli {

inline bool has_exiftool() {
  const auto out = run_child({"exiftool", "-ver"}, std::chrono::seconds(20));
  return out && out->exit_status == 0;
}

/// What exiftool reads in the files, by name.
inline std::map<std::string, nlohmann::json> read_by_exiftool(
    const std::vector<std::string>& files) {
  std::vector<std::string> words{"exiftool", "-json", "-charset", "iptc=UTF8"};
  words.insert(words.end(), files.begin(), files.end());
  const auto out = run_child(words, std::chrono::seconds(50));
  std::map<std::string, nlohmann::json> read;
  if (!out || out->exit_status != 0) {
    ADD_FAILURE() << (out ? out->err : out.error().message);
    return read;
  }
  for (const nlohmann::json& one : nlohmann::json::parse(out->out))
    read[one.at("SourceFile")] = one;
  return read;
}

}  // namespace photoscribe::cli
