// shared_data: where the big data of slow tests lies, which no clone holds.
//
// PHOTOSCRIBE_TEST_DATA names the folder; without it, shared/data beside the source tree. What
// every clone holds is tests/data, whose README says what may lie here.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace photoscribe::test {

struct SharedData {
  std::filesystem::path path;
  bool there = false;
  std::string why_not;  // for GTEST_SKIP
};

inline SharedData shared_data(const std::string& name) {
  const char* const given = std::getenv("PHOTOSCRIBE_TEST_DATA");
  const std::filesystem::path folder = given ? given : PHOTOSCRIBE_SOURCE_DIR "/../shared/data";
  SharedData found{folder / name, std::filesystem::exists(folder / name), ""};
  if (!found.there)
    found.why_not = "not tested: there is no " + found.path.string() +
                    "; PHOTOSCRIBE_TEST_DATA may name the folder with " + name;
  return found;
}

}  // namespace photoscribe::test
