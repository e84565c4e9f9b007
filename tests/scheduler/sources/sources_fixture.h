// sources_fixture: folders to be walked.
#pragma once

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scheduler/sources/sources.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {

namespace fs = std::filesystem;

class Sources : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return (base_ / name).string(); }

  void put(const std::string& name, const std::string& bytes = "x") const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << bytes;
  }
  void link(const std::string& target, const std::string& name) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    ASSERT_EQ(::symlink(target.c_str(), at(name).c_str()), 0);
  }

  SourcePlan plan(const std::vector<std::string>& names, const std::vector<Root>& known = {}) {
    std::vector<std::string> arguments;
    for (const std::string& name : names) arguments.push_back(at(name));
    return must(plan_sources(arguments, known));
  }

  /// "root:path" of every file, in the order of the walk.
  std::vector<std::string> walk(const SourcePlan& sources, WalkOptions options = {},
                                std::size_t batch = 2) {
    Walker walker(sources, std::move(options));
    std::vector<std::string> found;
    for (;;) {
      const auto files = must(walker.next(batch));
      if (files.empty()) break;
      EXPECT_LE(files.size(), batch);
      for (const FoundFile& one : files) {
        found.push_back(sources.roots[static_cast<std::size_t>(one.root)].name + ":" + one.path);
      }
    }
    report_ = walker.report();
    return found;
  }

  TempDir folder_;
  fs::path base_ = fs::canonical(folder_.path());
  WalkReport report_;
};

}  // namespace photoscribe::test
