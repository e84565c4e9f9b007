// URLs, lists of them and buckets as sources of a run.
#include "scheduler/sources/remote_sources.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/support/s3_server.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RemoteSources : public ::testing::Test {
 protected:
  Status add(std::vector<std::string> urls, std::vector<std::string> lists = {},
             std::vector<Root> known = {}) {
    return add_remote_sources(plan, urls, lists, known);
  }
  /// "0 a.jpg": root and path of each.
  std::vector<std::string> walk(WalkOptions options = {}) {
    RemoteSettings settings;
    settings.allow_private = true;
    settings.retries = 0;
    RemoteWalker walker(plan, std::move(options), settings);
    std::vector<std::string> all;
    for (;;) {
      const auto some = walker.next(3);
      EXPECT_TRUE(some) << some.error().message;
      if (!some || some->empty()) break;
      for (const FoundFile& file : *some) {
        all.push_back(std::to_string(file.root) + " " + file.path);
        found.push_back(file);
      }
    }
    report = walker.report();
    return all;
  }
  std::string roots() const {
    std::string all;
    for (const Root& root : plan.roots) all += root.name + "=" + root.folder + " ";
    return all;
  }
  test::TempDir folder;
  SourcePlan plan;
  WalkReport report;
  std::vector<FoundFile> found;
};

TEST_F(RemoteSources, MakeARootOfEachServer) {
  folder.write("urls.txt",
               "# mine\n\nhttps://b.example/1.jpg\r\n  https://a.example/2.jpg?w=3  \nno url\n"
               "https://b.example/\n");
  ASSERT_TRUE(add({"https://a.example/x/1.jpg", "http://a.example/1.jpg"},
                  {folder.file("urls.txt")}, {{"mine", "https://b.example"}, {"a-example", "/a"}}));
  EXPECT_EQ(roots(),
            "a-example-2=https://a.example a-example-3=http://a.example mine=https://b.example ");
  EXPECT_THAT(walk(), ElementsAre("0 x/1.jpg", "1 1.jpg", "2 1.jpg", "0 2.jpg?w=3"));
  EXPECT_EQ(report.not_seen_count, 2);
  EXPECT_EQ(report.not_seen.at(0).path, folder.file("urls.txt") + ":5");
  EXPECT_THAT(report.walked, IsEmpty()) << "a URL that is left out is not a vanished photo";
}

TEST_F(RemoteSources, ObeyFiltersAndLimits) {
  ASSERT_TRUE(add({"https://a/1.jpg?w=1", "https://a/2.png", "https://a/3.jpg"}));
  WalkOptions only;
  only.include = {"*.jpg"};
  EXPECT_THAT(walk(only), ElementsAre("0 1.jpg?w=1", "0 3.jpg"));
  EXPECT_EQ(report.filtered, 1);
  WalkOptions two;
  two.limit = 2;
  EXPECT_THAT(walk(two), ElementsAre("0 1.jpg?w=1", "0 2.png"));
  EXPECT_TRUE(report.reached_limit);
}

TEST_F(RemoteSources, SayWhatIsWrong) {
  EXPECT_THAT(add({"https://host"}).error().message, HasSubstr("names a server, but no photo"));
  EXPECT_THAT(add({"https://me:pw@host/a.jpg"}).error().message, HasSubstr("password"));
  EXPECT_THAT(add({}, {folder.file("absent")}).error().message, HasSubstr("cannot be read"));
  std::string many;
  for (int i = 0; i < 5'001; ++i) many += "https://host" + std::to_string(i) + "/a.jpg\n";
  folder.write("many.txt", many);
  EXPECT_THAT(add({}, {folder.file("many.txt")}).error().message, HasSubstr("different servers"));
}

TEST_F(RemoteSources, ListABucketPageByPage) {
  test::S3Server bucket({}, 2);
  for (const char* key : {"2019/a.jpg", "2019/b.JPG", "2019/c.txt", "2019/.d.jpg", "2019/e/f.png",
                          "2019/e/", "2019-old/g.jpg", "single.jpg"})
    bucket.put(key, "bytes");
  for (const auto& [name, value] : bucket.environment()) ::setenv(name.c_str(), value.c_str(), 1);
  ASSERT_TRUE(add({"s3://photos/2019", "s3://photos/single.jpg"}));
  EXPECT_EQ(roots(), "photos=s3://photos ");
  EXPECT_THAT(walk(),
              ElementsAre("0 2019/a.jpg", "0 2019/b.JPG", "0 2019/e/f.png", "0 single.jpg"));
  EXPECT_EQ(found.at(0).size_bytes, 5);
  EXPECT_EQ(found.at(0).mtime_ns, 1'700'000'000'000'000'000);
  ASSERT_EQ(report.walked.size(), 2U);
  EXPECT_EQ(report.walked.at(0).prefix, "2019");
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_EQ(report.skipped.at(0).extension, ".txt");

  plan = SourcePlan();
  ASSERT_TRUE(add({"s3://photos/2020/"}));
  EXPECT_THAT(walk(), IsEmpty());
  EXPECT_THAT(report.walked, IsEmpty()) << "nothing there: photos of before are left unchanged";
  EXPECT_EQ(report.barren.size(), 1U);
  for (const auto& [name, value] : bucket.environment()) ::unsetenv(name.c_str());
}

}  // namespace
}  // namespace photoscribe
