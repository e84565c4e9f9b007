// From lists to the files of a run, on real ones, and into a store.
#include "scheduler/sources/list_walker.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/sources/listed_paths.h"
#include "tests/scheduler/sources/sources_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ListWalk : public Sources {
 protected:
  std::string list(const std::string& text, const std::string& name = "list.txt") const {
    put(name, text);
    return at(name);
  }

  /// "root:path", with a ? behind it when it is not there.
  std::vector<std::string> photos(const std::vector<std::string>& lists,
                                  const ListOptions& options = {},
                                  const std::vector<Root>& known = {}, WalkOptions walk = {}) {
    plan_ = {};
    ListSources sources = must(plan_lists(lists, options, "", known, plan_));
    ListWalker walker(std::move(sources), plan_, std::move(walk));
    std::vector<std::string> found;
    for (;;) {
      const auto files = must(walker.next(2));
      if (files.empty()) break;
      for (const FoundFile& one : files)
        found.push_back(plan_.roots[static_cast<std::size_t>(one.root)].name + ":" + one.path +
                        (one.exists ? "" : "?"));
    }
    list_report_ = walker.report();
    return found;
  }
  std::string refused(const std::string& text, const ListOptions& options = {}) {
    SourcePlan plan;
    const std::vector<std::string> lists{list(text)};
    const auto sources = plan_lists(lists, options, "", {}, plan);
    return sources ? "" : sources.error().message;
  }

  SourcePlan plan_;
  ListReport list_report_;
};

TEST_F(ListWalk, MakesARootOfWhatThePathsHaveInCommon) {
  put("A/2019/a.jpg");
  put("A/2020/b.jpg");

  EXPECT_THAT(photos({list(at("A/2019/a.jpg") + "\n" + at("A/2020/b.jpg") + "\n" +
                           at("A/2020/gone.jpg") + "\n" + at("A/2020/../2019/./a.jpg") + "\n")}),
              ElementsAre("a:2019/a.jpg", "a:2020/b.jpg", "a:2020/gone.jpg?", "a:2019/a.jpg"));
  ASSERT_THAT(plan_.roots, SizeIs(1));
  EXPECT_EQ(plan_.roots[0].folder, at("A"));
  EXPECT_EQ(list_report_.absent, 1);
}

TEST_F(ListWalk, TakesTheDeepestRootThatTheDatabaseHas) {
  put("A/2019/a.jpg");
  put("A/2020/b.jpg");
  const std::vector<Root> known{{"all", at("A")}, {"new", at("A/2020")}, {"other", at("B")}};

  EXPECT_THAT(photos({list(at("A/2019/a.jpg") + "\n" + at("A/2020/b.jpg") + "\n")}, {}, known),
              ElementsAre("all:2019/a.jpg", "new:b.jpg"));
  EXPECT_THAT(plan_.roots, SizeIs(2));
}

TEST_F(ListWalk, ReadsRelativePathsBelowARoot) {
  put("A/x/a.jpg", "12345");
  put("real/b.jpg");
  link("../real", "A/linked");
  ListOptions options;
  options.root = at("A");

  EXPECT_THAT(photos({list("path,who\nx/a.jpg,Ana\n./x//a.jpg,Bob\nlinked/b.jpg,C\n")}, options),
              ElementsAre("a:x/a.jpg", "a:x/a.jpg", "real:b.jpg"));
  EXPECT_THAT(refused("x/a.jpg\n"),
              AllOf(HasSubstr("list.txt, line 1: x/a.jpg is relative"), HasSubstr("--root DIR")));
  ListOptions outside = options;
  EXPECT_THAT(refused("x/a.jpg\n../real/b.jpg\n", outside),
              HasSubstr("line 2: ../real/b.jpg leads"));
  outside.root = at("nowhere");
  EXPECT_THAT(refused("a.jpg\n", outside), HasSubstr("--root"));
}

TEST_F(ListWalk, NamesTheLineOfAnAddress) {
  EXPECT_THAT(refused("/a.jpg\nhttps://x.example/b.jpg\n"),
              HasSubstr("list.txt, line 2: https://"));
  EXPECT_THAT(refused("s3://bucket/b.jpg\n"), HasSubstr("line 1: s3://bucket/b.jpg is an address"));
  EXPECT_THAT(refused("\n\n"), HasSubstr("names no photo"));
}

TEST_F(ListWalk, SaysWhereListedLinksLeadAndWhatIsNotMounted) {
  put("A/a.jpg");
  put("out/b.jpg");
  link("../out/b.jpg", "A/link.jpg");

  EXPECT_THAT(photos({list(at("A/a.jpg") + "\n" + at("A/link.jpg") + "\n")}),
              ElementsAre("a:a.jpg", "a:link.jpg"));
  EXPECT_THAT(list_report_.notes, ElementsAre(HasSubstr("--follow-links " + at("out"))));
  EXPECT_THAT(photos({list(at("gone/a.jpg") + "\n" + at("gone/b.jpg") + "\n")}),
              ElementsAre("gone:a.jpg?", "gone:b.jpg?"));
  EXPECT_THAT(list_report_.notes, ElementsAre(HasSubstr("is it mounted?")));
}

TEST_F(ListWalk, ObeysFiltersAndLimits) {
  for (const char* name : {"A/x/a.jpg", "A/y/b.jpg", "A/y/c.jpg"}) put(name);
  const std::string all =
      list(at("A/x/a.jpg") + "\n" + at("A/y/b.jpg") + "\n" + at("A/y/c.jpg") + "\n");
  WalkOptions options;
  options.exclude = {"x"};

  EXPECT_THAT(photos({all}, {}, {}, options), ElementsAre("a:y/b.jpg", "a:y/c.jpg"));
  EXPECT_EQ(list_report_.filtered, 1);
  options.limit = 1;
  EXPECT_THAT(photos({all}, {}, {}, options), ElementsAre("a:y/b.jpg"));
  EXPECT_TRUE(list_report_.reached_limit);
}

TEST_F(ListWalk, ReadsAPipeTwice) {
  put("A/a.jpg");
  const std::string pipe = at("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    std::ofstream(pipe) << at("A/a.jpg") << "\n";
    ::_exit(0);
  }

  EXPECT_THAT(photos({pipe}), ElementsAre("a:a.jpg"));
}

TEST(NewRoots, AreNeverTheWholeMachine) {
  NewRoots roots({"/mnt/nas", "/mnt/nas/inner", "/proc"});
  for (const char* path : {"/home/ana/2019/a.jpg", "/home/ana/2020/b.jpg", "/mnt/nas/p/c.jpg",
                           "/mnt/nas/q/d.jpg", "/mnt/nas/inner/x/e.jpg", "/srv/f.jpg"})
    roots.add(path);

  EXPECT_THAT(roots.folders(), ElementsAre("/home/ana", "/mnt/nas", "/mnt/nas/inner/x", "/srv"));
}

TEST(Addresses, AreToldFromPaths) {
  EXPECT_TRUE(is_address("https://a/b.jpg"));
  EXPECT_TRUE(is_address("s3://b/k"));
  EXPECT_FALSE(is_address("/a://b"));
  EXPECT_FALSE(is_address("a b://c"));
  EXPECT_FALSE(is_address("C:/a.jpg"));
}

}  // namespace
}  // namespace photoscribe::test
