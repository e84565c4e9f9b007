// From lists to the files of a run, on real ones, and into a store.
#include "scheduler/sources/list_walker.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/sources/listed_paths.h"
#include "tests/scheduler/sources/sources_fixture.h"
#include "tests/support/make_archive.h"

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
    found_.clear();
    for (;;) {
      const auto files = must(walker.next(2));
      if (files.empty()) break;
      found_.insert(found_.end(), files.begin(), files.end());
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
  std::vector<FoundFile> found_;
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

TEST_F(ListWalk, NamesTheLineOfAnAddressThatIsNotFetchedFrom) {
  EXPECT_THAT(refused("/a.jpg\nftp://x.example/b.jpg\n"),
              HasSubstr("list.txt, line 2: ftp:// is not fetched from"));
  EXPECT_THAT(refused("\n\n"), HasSubstr("names no photo"));
}

TEST_F(ListWalk, TakesUrlsBesidePathsInEveryForm) {
  put("A/a.jpg");
  const std::string path = at("A/a.jpg"), web = "https://X.example/p/b%20c.jpg?w=1,2",
                    key = "s3://bucket/2019/k.jpg";
  const std::vector<std::string> wanted{"a:a.jpg", "x-example:p/b%20c.jpg?w=1,2",
                                        "bucket:2019/k.jpg"};
  const std::string quoted = "\"" + web + "\"";
  for (const std::string& text :
       {path + "\n" + web + " \r\n" + key + "\n",
        "photo,who\n" + path + ",Ana\n" + quoted + ",Bob\n" + key + ",\n",
        "who\turl\nAna\t" + path + "\nBob\t" + web + "\n\t" + key + "\n",
        "{\"url\":\"" + path + "\"}\n{\"url\":\"" + web + "\"}\n{\"url\":\"" + key + "\"}\n"}) {
    EXPECT_EQ(photos({list(text)}), wanted) << text;
    EXPECT_EQ(plan_.roots[1].folder + " " + plan_.roots[2].folder, "https://x.example s3://bucket")
        << text;
    EXPECT_EQ(list_report_.absent, 0);
  }
  const std::vector<Root> known{{"old", "https://x.example"}};
  EXPECT_THAT(photos({list(web + "\n")}, {}, known), ElementsAre("old:p/b%20c.jpg?w=1,2"));
  WalkOptions options;
  options.include = {"*.jpg"};
  EXPECT_THAT(photos({list(web + "\nhttps://x.example/d.png\n")}, {}, {}, options),
              ElementsAre("x-example:p/b%20c.jpg?w=1,2"));
}

TEST_F(ListWalk, KeepsTheColumnsOfUrls) {
  ListOptions options;
  options.id_column = "nr";
  (void)photos({list("nr,url,caption\n7,https://x.example/b.jpg,a dog\n")}, options);
  ASSERT_THAT(found_, SizeIs(1));
  EXPECT_EQ(found_[0].kept, (KeptValues{{"id", "7"}, {"caption", "a dog"}}));
  // Without a heading and without a photo's ending.
  (void)photos({list("https://x.example/1,a dog\nhttps://x.example/2,a cat\n")});
  ASSERT_THAT(found_, SizeIs(2));
  EXPECT_EQ(found_[1].path, "2");
  EXPECT_EQ(found_[1].kept, (KeptValues{{"column_2", "a cat"}}));
}

TEST_F(ListWalk, LeavesOutUrlsThatAreNoneAndShowsNoPassword) {
  EXPECT_THAT(photos({list("https://x.example/a.jpg\nhttps://ana:geheim@x.example/b.jpg\n"
                           "https://x.example/\ns3://bucket/c/\nhttp://\n")}),
              ElementsAre("x-example:a.jpg"));
  EXPECT_EQ(list_report_.not_seen_count, 4);
  for (const NotSeen& one : list_report_.not_seen)
    EXPECT_EQ(one.why.find("geheim"), std::string::npos);
  EXPECT_THAT(list_report_.not_seen[0].path, HasSubstr("list.txt, line 2"));
}

TEST_F(ListWalk, FindsMembersOfArchivesThatNobodyHasWalked) {
  const std::vector<MadeMember> members{{"2019/a.jpg", "123"}, {"b.jpg", "1"}, {"b.jpg", "12"}};
  for (const MadeAs as : kMadeAs) {
    fs::create_directories(at("A/sub"));
    make_archive(at("A/sub/x"), as, members);
    make_archive(at("A/y.zip"), MadeAs::zip_stored, {{"c.jpg", "1234"}});
    const std::string x = at("A/sub/x");
    EXPECT_THAT(
        photos({list(x + "!b.jpg#2\n" + at("A/y.zip") + "!c.jpg\n" + x + "!2019/a.jpg\n" + x +
                     "!gone.jpg\n" + x + "!b.jpg\n")}),
        testing::UnorderedElementsAre("a:sub/x!b.jpg#2", "a:y.zip!c.jpg", "a:sub/x!2019/a.jpg",
                                      "a:sub/x!gone.jpg?", "a:sub/x!b.jpg"))
        << static_cast<int>(as);
    EXPECT_EQ(list_report_.not_seen_count, 0);
    std::map<std::string, std::int64_t> sizes;
    for (const FoundFile& one : found_) {
      sizes[one.path] = one.size_bytes;
      EXPECT_EQ(one.member.has_value(), one.exists) << one.path;
      if (one.member) {
        EXPECT_EQ(one.path.substr(static_cast<std::size_t>(one.member->archive_size), 1), "!");
      }
    }
    EXPECT_EQ(sizes.at("sub/x!2019/a.jpg"), 3);
    EXPECT_EQ(sizes.at("sub/x!b.jpg#2"), 2);
    // All of them in one archive, and in one folder of it: the root is a folder of the disk.
    EXPECT_THAT(photos({list(x + "!2019/a.jpg\n")}), ElementsAre("sub:x!2019/a.jpg"));
  }
}

TEST_F(ListWalk, TakesARealFileForItselfAndSaysWhichArchiveCannotBeRead) {
  put("A/x.tar!b.jpg", "real");
  fs::create_directories(at("A"));
  make_archive(at("A/x.tar"), MadeAs::tar, {{"b.jpg", "1"}});
  put("A/bad.zip", "PK\x03\x04 and no directory");
  put("A/what!", "text");
  EXPECT_THAT(photos({list(at("A/x.tar!b.jpg") + "\n" + at("A/bad.zip!c.jpg") + "\n" +
                           at("A/what!!c.jpg") + "\n")}),
              testing::UnorderedElementsAre("a:x.tar!b.jpg", "a:what!!c.jpg?"));
  ASSERT_EQ(list_report_.not_seen_count, 1);
  EXPECT_THAT(list_report_.not_seen[0].path, HasSubstr("bad.zip!c.jpg"));
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
