// From arguments to roots, on real folders.
#include "tests/scheduler/sources/sources_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(Sources, KeepsNamesOfAnyBytes) {
  put("A/-rf.jpg");
  put("A/new\nline.jpg");
  put("A/bad\xff.jpg");

  EXPECT_THAT(walk(plan({"A"})), ElementsAre("a:-rf.jpg", "a:bad\xff.jpg", "a:new\nline.jpg"));
}

TEST_F(Sources, NamesRootsAfterTheirFolders) {
  put("x/My Photos (2019)/a.jpg");
  put("y/My Photos (2019)/a.jpg");
  put("z/\xc3\xa9\xc3\xa9/a.jpg");

  const auto sources = plan({"x/My Photos (2019)", "y/My Photos (2019)", "z/\xc3\xa9\xc3\xa9"});

  EXPECT_EQ(sources.roots[0].name, "my-photos-2019");
  EXPECT_EQ(sources.roots[1].name, "my-photos-2019-2");
  EXPECT_EQ(sources.roots[2].name, "photos");
  EXPECT_EQ(sources.roots[0].folder, at("x/My Photos (2019)"));
}

TEST_F(Sources, BringsNoPhotoTwice) {
  put("A/a.jpg");
  put("A/sub/b.jpg");
  link(at("A"), "alias");

  EXPECT_THAT(walk(plan({"A/sub/b.jpg", "A/sub", "A", "A/", "alias", "A/a.jpg"})),
              ElementsAre("a:a.jpg", "a:sub/b.jpg"));
}

TEST_F(Sources, TakesASingleFileWithItsFolderAsRoot) {
  put("A/a.jpg");
  put("A/photo.dat");

  const auto sources = plan({"A/photo.dat", "A/a.jpg"});

  EXPECT_THAT(walk(sources), ElementsAre("a:photo.dat", "a:a.jpg"));
  EXPECT_THAT(sources.roots, ElementsAre(Root{"a", at("A")}));
}

TEST_F(Sources, KeepsARootThatTheRunHas) {
  put("A/sub/b.jpg");
  put("A/a.jpg");
  const std::vector<Root> known{{"archive", at("A")}};

  EXPECT_THAT(walk(plan({"A"}, known)), ElementsAre("archive:a.jpg", "archive:sub/b.jpg"));
  EXPECT_THAT(walk(plan({"A/sub"}, known)), ElementsAre("archive:sub/b.jpg"));
  EXPECT_THAT(walk(plan({"A/sub/b.jpg"}, known)), ElementsAre("archive:sub/b.jpg"));
}

TEST_F(Sources, LeavesTheFolderOfAnotherRootToThatRoot) {
  put("A/a.jpg");
  put("A/sub/b.jpg");
  put("A/sub/deep/c.jpg");
  const std::vector<Root> known{{"sub", at("A/sub")}, {"deep", at("A/sub/deep")}};

  EXPECT_THAT(walk(plan({"A"}, known)), ElementsAre("a:a.jpg", "sub:b.jpg", "deep:c.jpg"));
  EXPECT_THAT(report_.walked, SizeIs(3));
}

TEST_F(Sources, RefusesWhatDoesNotExist) {
  const std::vector<std::string> absent{at("nowhere")};

  const auto refused = plan_sources(absent, {});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("nowhere"));
  EXPECT_EQ(plan_sources({}, {}).error().code, Errc::usage);
}

TEST_F(Sources, GoesIntoTheStoreAndOutAgain) {
  put("A/a.jpg");
  put("A/notes.txt");
  put("A/sub/b.jpg");
  auto store = must(Store::open_writer(at("archive.db")));
  const RunId run = must(store.ensure_run("default", settings())).run.id;
  const auto scan_once = [&] {
    const SourcePlan sources = plan({"A"}, must(store.known_roots()));
    Scan scan = must(store.begin_scan(run, sources.roots));
    Walker walker(sources, {});
    for (;;) {
      const auto files = must(walker.next());
      if (files.empty()) break;
      must(scan.add(files));
    }
    return must(scan.finish(walker.report().walked, walker.report().skipped));
  };

  EXPECT_EQ(scan_once().added, 2);
  EXPECT_EQ(must(store.take_tasks(run, 9)).size(), 2U);
  fs::remove(at("A/sub/b.jpg"));
  const auto second = scan_once();

  EXPECT_EQ(second.unchanged, 1);
  EXPECT_EQ(second.vanished, 1);
}

}  // namespace
}  // namespace photoscribe::test
