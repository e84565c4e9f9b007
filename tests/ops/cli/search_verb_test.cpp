// photoscribe search, as a process, on databases made through Store.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/ops/cli/program.h"
#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SearchVerb : public test::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    scan({test::file("a.jpg"), test::file("caf\xe9 b.jpg"), test::file("c.jpg")});
    for (const Task& task : take()) {
      record({task.path == "c.jpg" ? test::blurred(task)
                                   : test::captioned(task, "a dog in " + task.path)});
    }
  }
  ChildOutput search(std::vector<std::string> words) {
    words.insert(words.begin(), {"search", database()});
    return photoscribe(words);
  }
};

TEST_F(SearchVerb, FindsWhatWasRecordedAMomentAgoInEveryFormat) {
  // Nothing is indexed yet, and store() holds the lock.
  EXPECT_THAT(search({"dogs"}).out, AllOf(HasSubstr("a.jpg"), HasSubstr("a dog in a.jpg")));
  EXPECT_EQ(search({"--format", "paths0", "--sort", "path", "dog"}).out,
            std::string("/archive/photos/a.jpg\0/archive/photos/caf\xe9 b.jpg\0", 49));
  EXPECT_THAT(search({"--format", "csv", "dog"}).out, HasSubstr("run,root,uri"));
  const ChildOutput lines = search({"--format", "jsonl", "a.jpg"});
  EXPECT_EQ(json::parse(lines.out)["caption"], "a dog in a.jpg");
  const json all = json::parse(search({"--json", "dog"}).out);
  EXPECT_EQ(all["photos"].size(), 2U);
  EXPECT_EQ(all["best_first"], true);
  EXPECT_EQ(all["not_indexed"], 0);
}

TEST_F(SearchVerb, ShowsEditsAndSaysWhatThereIsNot) {
  ASSERT_EQ(photoscribe({"caption", "set", database(), "c.jpg", "Rex in the fog"}).exit_status, 0);
  EXPECT_THAT(search({"rex"}).out, AllOf(HasSubstr("c.jpg"), HasSubstr("Rex in the fog")));
  EXPECT_THAT(search({"--original", "rex"}).err, HasSubstr("no photo found"));
  EXPECT_EQ(json::parse(search({"--json", "zebra"}).out)["photos"].size(), 0U);
  EXPECT_THAT(search({"--limit", "1", "dog"}).err, HasSubstr("there are more"));
  EXPECT_THAT(search({"--", "-dog"}).out, AllOf(HasSubstr("Rex"), Not(HasSubstr("a dog"))));
  EXPECT_THAT(search({"--state", "blurred"}).out, HasSubstr("c.jpg")) << "no words: every photo";
  const ChildOutput wrong = search({"photographer:ana"});
  EXPECT_EQ(wrong.exit_status, 2);
  EXPECT_THAT(wrong.err, HasSubstr("no column \"photographer\""));
  EXPECT_THAT(search({"--since", "yesterday", "dog"}).err, HasSubstr("is not a time"));
}

TEST_F(SearchVerb, ReadsADatabaseThatCannotBeWritten) {
  while (test::must(store().index_captions(100)) > 0) {
  }
  store_.reset();
  ::chmod(database().c_str(), 0444);
  ::chmod(folder_.path().c_str(), 0555);
  EXPECT_THAT(search({"dog"}).out, HasSubstr("a dog in a.jpg"));
  ::chmod(folder_.path().c_str(), 0755);
}

}  // namespace
}  // namespace photoscribe::cli
