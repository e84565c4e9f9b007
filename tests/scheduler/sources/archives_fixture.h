// archives_fixture: archives to be walked, once or by one scan after the other.
#pragma once

#include <string>
#include <vector>

#include "tests/scheduler/sources/sources_fixture.h"
#include "tests/support/make_archive.h"

namespace photoscribe::test {

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Archives : public Sources {
 protected:
  void make(const std::string& name, const std::vector<MadeMember>& members,
            MadeAs as = MadeAs::tar) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    make_archive(at(name), as, members);
  }
  /// Everything that a walk hands out.
  std::vector<FoundFile> files(const std::vector<std::string>& names, WalkOptions options = {}) {
    Walker walker(plan(names), std::move(options));
    std::vector<FoundFile> all;
    for (;;) {
      const auto some = must(walker.next(3));
      if (some.empty()) break;
      all.insert(all.end(), some.begin(), some.end());
    }
    report_ = walker.report();
    return all;
  }
  static std::vector<std::string> paths(const std::vector<FoundFile>& files) {
    std::vector<std::string> all;
    for (const FoundFile& one : files) {
      if (!one.archive) all.push_back(one.path);
    }
    return all;
  }
};

class ArchivesAgain : public Archives {
 protected:
  ArchivesAgain() : store_(must(Store::open_writer(at("archive.db")))) {
    run_ = must(store_.ensure_run("default", settings())).run.id;
  }
  ScanCounts scan(const std::vector<std::string>& names, WalkOptions options = {}) {
    options.known_archives = must(store_.known_archives(run_));
    known_ = options.known_archives.size();
    SourcePlan sources = plan(names, must(store_.known_roots()));
    Scan one = must(store_.begin_scan(run_, sources.roots));
    Walker walker(std::move(sources), std::move(options));
    again_ = 0;
    for (;;) {
      const auto some = must(walker.next(3));
      if (some.empty()) break;
      for (const FoundFile& file : some) again_ += file.archive && file.archive->again ? 1 : 0;
      must(one.add(some));
    }
    report_ = walker.report();
    return must(one.finish(report_.walked, report_.skipped, report_.unknown));
  }

  Store store_;
  RunId run_ = 0;
  std::size_t known_ = 0;
  int again_ = 0;
};

}  // namespace photoscribe::test
