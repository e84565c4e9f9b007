#include "scheduler/sources/folder_watch.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using ::testing::Contains;
using ::testing::Not;
namespace fs = std::filesystem;

class FolderWatchTest : public ::testing::Test {
 protected:
  FolderWatchTest() {
    fs::create_directories(folder.file("in/deep"));
    fs::create_directory(folder.file("in/.hidden"));
    EXPECT_TRUE(watch.add(folder.file("in")));
  }
  /// "closed in/a.jpg" …
  std::set<std::string> heard() {
    std::set<std::string> all;
    for (pollfd on{watch.descriptor(), POLLIN, 0}; ::poll(&on, 1, 50) > 0;) {
      for (const FileEvent& event : watch.hear().events) {
        constexpr const char* kNames[]{"written ", "closed ", "found ", "gone "};
        all.insert(kNames[static_cast<int>(event.kind)] +
                   event.path.substr(folder.path().string().size() + 1));
      }
    }
    return all;
  }
  void write(const std::string& name) const { std::ofstream(folder.file(name)) << "bytes"; }
  test::TempDir folder;
  FolderWatch watch = *FolderWatch::open();
};

TEST_F(FolderWatchTest, HearsOfFilesThatAreClosedMovedAndRemoved) {
  EXPECT_EQ(watch.folders(), 2U);
  std::ofstream slow(folder.file("in/deep/slow.jpg"));
  slow << "half" << std::flush;
  EXPECT_THAT(heard(), Contains("written in/deep/slow.jpg"));
  slow << "whole";
  slow.close();
  EXPECT_THAT(heard(), Contains("closed in/deep/slow.jpg"));
  write("outside.jpg");
  fs::rename(folder.file("outside.jpg"), folder.file("in/moved.jpg"));
  EXPECT_THAT(heard(), Contains("closed in/moved.jpg"));
  fs::remove(folder.file("in/moved.jpg"));
  EXPECT_THAT(heard(), Contains("gone in/moved.jpg"));
  write("in/.part.jpg");
  write("in/.hidden/a.jpg");
  EXPECT_TRUE(heard().empty());
}

TEST_F(FolderWatchTest, FollowsFoldersThatComeAndGo) {
  fs::create_directories(folder.file("away/sub"));
  write("away/sub/a.jpg");
  fs::rename(folder.file("away"), folder.file("in/new"));
  EXPECT_THAT(heard(), Contains("found in/new/sub/a.jpg"));
  write("in/new/sub/b.jpg");
  EXPECT_THAT(heard(), Contains("closed in/new/sub/b.jpg"));
  fs::rename(folder.file("in/new"), folder.file("in/renamed"));
  (void)heard();
  write("in/renamed/sub/c.jpg");
  EXPECT_THAT(heard(), Contains("closed in/renamed/sub/c.jpg")) << "by the name it has now";
  fs::rename(folder.file("in/renamed"), folder.file("gone"));
  (void)heard();
  write("gone/sub/d.jpg");
  EXPECT_TRUE(heard().empty());
}

}  // namespace
}  // namespace photoscribe
