// From folders to files, on real ones.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scheduler/store/image_extensions.h"
#include "tests/scheduler/sources/sources_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ImageExtension, IsAnyUnderWhichPhotosGoAbout) {
  for (const char* name : {"a.jpg",           "a.JPEG",
                           "a.mpo",           "a.jif",
                           "a.jfif",          "a.jfi",
                           "a.jpe",           "a.pjpeg",
                           "a.jpg_large",     "a.jpg-large",
                           "a.jpg:large",     "a.png_small",
                           "a.jpg-4096x4096", "a.jpg?w=800&v=1.2",
                           "a.jpg!small",     "a.heic",
                           "a.heics",         "a.avif",
                           "a.cr3",           "a.tif"})
    EXPECT_TRUE(has_image_extension(name)) << name;
  for (const char* name : {"a.txt", "a", ".jpg", "a.jpg_original", "a.jpg~", "a.jpgx", "a.jpg.part",
                           "a.jpg_12", "jpg", "a.jpg-x", "what?.txt", "a.", "a.xmp"})
    EXPECT_FALSE(has_image_extension(name)) << name;
}

TEST_F(Sources, ListsPhotosByExtensionInAnyCaseAndCountsTheRest) {
  for (const char* name :
       {"A/b.JPG", "A/a.jpeg", "A/sub/c.PnG", "A/notes.txt", "A/x.TXT", "A/README", "A/raw.CR2",
        "A/.hidden.jpg", "A/.git/d.jpg", "A/@eaDir/e.jpg"}) {
    put(name);
  }

  EXPECT_THAT(walk(plan({"A"})), ElementsAre("a:a.jpeg", "a:b.JPG", "a:raw.CR2", "a:sub/c.PnG"));
  ASSERT_THAT(report_.skipped, SizeIs(2));
  EXPECT_EQ(report_.skipped[0].extension, ".txt");
  EXPECT_EQ(report_.skipped[0].files, 2);
  EXPECT_EQ(report_.skipped[1].extension, "");
  EXPECT_EQ(report_.files, 4);
  EXPECT_EQ(report_.folders, 2);
  EXPECT_THAT(report_.walked, SizeIs(1));
}

TEST_F(Sources, ListsEverythingWhenAsked) {
  put("A/a.jpg");
  put("A/photo");
  WalkOptions options;
  options.all_files = true;

  EXPECT_THAT(walk(plan({"A"}), options), ElementsAre("a:a.jpg", "a:photo"));
}

TEST_F(Sources, ReportsSizeAndTime) {
  put("A/a.jpg", "12345");
  struct ::stat node {};
  ASSERT_EQ(::stat(at("A/a.jpg").c_str(), &node), 0);

  Walker walker(plan({"A"}), {});
  const auto files = must(walker.next());

  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files[0].size_bytes, 5);
  EXPECT_EQ(files[0].mtime_ns, node.st_mtim.tv_sec * 1'000'000'000 + node.st_mtim.tv_nsec);
  EXPECT_EQ(files[0].inode, static_cast<std::int64_t>(node.st_ino));
}

TEST_F(Sources, FiltersByGlobs) {
  for (const char* name : {"A/2019/a.jpg", "A/2019/b.png", "A/2020/a.jpg", "A/private/p.jpg"}) {
    put(name);
  }
  WalkOptions options;
  options.include = {"*.jpg"};
  options.exclude = {"private", "2020/*"};

  EXPECT_THAT(walk(plan({"A"}), options), ElementsAre("a:2019/a.jpg"));
  EXPECT_EQ(report_.filtered, 2);
  EXPECT_THAT(report_.walked, IsEmpty());  // "not found" means nothing under a filter
}

TEST_F(Sources, TakesOnlyTheNamesOfASplit) {
  put("A/a.jpg");
  put("A/sub/b.jpg");
  put("A/c.jpg");
  WalkOptions options;
  options.only_names = std::make_shared<PhotoNames>(PhotoNames{"b.jpg", "c"});

  EXPECT_THAT(walk(plan({"A"}), options), ElementsAre("a:c.jpg", "a:sub/b.jpg"));
}

TEST_F(Sources, StopsAtTheLimit) {
  for (const char* name : {"A/a.jpg", "A/b.jpg", "A/c.jpg"}) put(name);
  WalkOptions options;
  options.limit = 2;

  EXPECT_THAT(walk(plan({"A"}), options, 1), ElementsAre("a:a.jpg", "a:b.jpg"));
  EXPECT_TRUE(report_.reached_limit);
  EXPECT_THAT(report_.walked, IsEmpty());
}

TEST_F(Sources, ListsWhatTheWorkerMustNameTheFaultOf) {
  put("A/a.jpg");
  put("outside.jpg");
  link("nowhere", "A/dangling.jpg");
  link("../outside.jpg", "A/leaving.jpg");
  link("nowhere", "A/dangling.txt");
  ASSERT_EQ(::mkfifo(at("A/pipe.jpg").c_str(), 0600), 0);
  put("A/folder.jpg/inside.jpg");

  EXPECT_THAT(walk(plan({"A"})),
              ElementsAre("a:a.jpg", "a:dangling.jpg", "a:folder.jpg/inside.jpg", "a:pipe.jpg"));
  ASSERT_THAT(report_.not_seen, SizeIs(1));
  EXPECT_EQ(report_.not_seen[0].path, at("A/leaving.jpg"));
}

TEST_F(Sources, LinksThatLeaveAreNamedByTheStoreThatTheyLeadTo) {
  put("store/blobs/1");
  put("store/blobs/2");
  put("store/folder/c.jpg");
  link("../store/blobs/1", "snapshot/1.jpg");
  link("../store/blobs/2", "snapshot/2.jpg");
  link("../store/blobs/2", "snapshot/notes.txt");
  link("../store/folder", "snapshot/folder");

  EXPECT_THAT(walk(plan({"snapshot"})), IsEmpty());
  ASSERT_THAT(report_.not_seen, SizeIs(2));
  EXPECT_THAT(report_.not_seen[0].why, AllOf(HasSubstr("2 links that lead to"),
                                             HasSubstr("--follow-links " + at("store/blobs"))));
  EXPECT_EQ(report_.not_seen_count, 3);
  EXPECT_THAT(report_.barren, IsEmpty());

  const std::vector<std::string> photos{at("snapshot")}, stores{at("store")};
  const SourcePlan followed = must(plan_sources(photos, {}, stores));
  EXPECT_THAT(walk(followed),
              ElementsAre("snapshot:1.jpg", "snapshot:2.jpg", "snapshot:folder/c.jpg"));
  EXPECT_THAT(report_.not_seen, IsEmpty());
  // A store that is named for photos itself is as good, and walked where it is.
  EXPECT_THAT(walk(plan({"snapshot", "store"})),
              ElementsAre("snapshot:1.jpg", "snapshot:2.jpg", "store:folder/c.jpg"));
  const std::vector<std::string> nowhere{at("nowhere")};
  EXPECT_THAT(plan_sources(photos, {}, nowhere).error().message, HasSubstr("--follow-links"));
}

TEST_F(Sources, ALinkThatWasNamedIsReadWhereItLeads) {
  put("store/1");
  put("store/2");
  link("../store/1", "snapshot/1.jpg");
  link("../store/2", "snapshot/2.jpg");

  const SourcePlan one = plan({"snapshot/1.jpg"});

  EXPECT_THAT(one.link_stores, ElementsAre(at("store/1")));
  EXPECT_THAT(walk(one), ElementsAre("snapshot:1.jpg"));
}

TEST_F(Sources, FilesThatAreNoPhotosAreNamedForWhatTheyAre) {
  put("assets.csv", "path,caption\na.jpg,x\n");
  put("photos.zip", std::string("PK\x03\x04\x14\0\0\0", 8));
  put("photos.7z", "7z\xbc\xaf\x27\x1c");
  put("archive.db", std::string("SQLite format 3\0", 16));
  put("clip.mp4", "....ftypisom");
  put("list.txt", std::string("\xff\xd8\xff\xe0\0\x10JFIF whatever its name", 29));
  put("notes.jpg", "text under a photo's name");
  const std::pair<const char*, const char*> cases[] = {
      {"assets.csv", "is a list or other text, not a photo"},
      {"photos.zip", "without the directory"},
      {"photos.7z", "unpack it"},
      {"archive.db", "is a database"},
      {"clip.mp4", "is a video"}};
  for (const auto& [name, what] : cases) {
    const std::vector<std::string> arguments{at(name)};
    const auto refused = plan_sources(arguments, {});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::usage);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(at(name)), HasSubstr(what)));
  }
  EXPECT_THAT(walk(plan({"list.txt", "notes.jpg"})), SizeIs(2));
  const std::vector<std::string> address{"https://example.org/a.jpg"};
  EXPECT_THAT(plan_sources(address, {}).error().message, HasSubstr("is a URL"));
}

TEST_F(Sources, FollowsFolderLinksOnceAndWithinTheRoot) {
  put("A/real/a.jpg");
  put("A/.store/hidden.jpg");
  put("elsewhere/b.jpg");
  link("real", "A/again");           // its photos come by their real path
  link(".store", "A/store");         // reached by the link alone
  link(at("A/.store"), "A/store2");  // the same folder: once
  link("..", "A/real/up");           // a loop
  link("../elsewhere", "A/out");
  link("self", "A/self");

  EXPECT_THAT(walk(plan({"A"})), ElementsAre("a:real/a.jpg", "a:.store/hidden.jpg"));
  EXPECT_THAT(report_.warnings, ElementsAre(AllOf(HasSubstr("link loop"), HasSubstr("/self")),
                                            AllOf(HasSubstr("link loop"), HasSubstr("/real/up"))));
  ASSERT_THAT(report_.not_seen, SizeIs(1));
  EXPECT_EQ(report_.not_seen[0].path, at("A/out"));
}

constexpr fs::perms kListed =
    fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;

/// Walks as somebody for whom permissions mean something.
class LockedSources : public Sources {
 protected:
  void SetUp() override {
    put("A/a.jpg");
    put("A/gone.jpg");
    put("A/locked/b.jpg");
    put("A/listed/c.jpg");
    for (const fs::path& folder : {base_, base_ / "A"}) fs::permissions(folder, fs::perms::all);
  }
  void TearDown() override { lock(fs::perms::all, fs::perms::all); }
  void lock(fs::perms locked, fs::perms listed) {
    fs::permissions(at("A/locked"), locked);
    fs::permissions(at("A/listed"), listed);
  }
  template <class Fn>
  auto unprivileged(Fn fn) {
    const uid_t me = ::geteuid();
    EXPECT_EQ(::seteuid(me == 0 ? 65534 : me), 0);
    auto result = fn();
    EXPECT_EQ(::seteuid(me), 0);
    return result;
  }
};

TEST_F(LockedSources, WhatCannotBeLookedAtIsCountedAndNamed) {
  const SourcePlan sources = plan({"A"});
  lock(fs::perms::none, kListed);

  const auto found = unprivileged([&] { return walk(sources); });

  EXPECT_THAT(found, ElementsAre("a:a.jpg", "a:gone.jpg"));
  ASSERT_THAT(report_.not_seen, SizeIs(2));
  EXPECT_EQ(report_.not_seen[0].path, at("A/listed/c.jpg"));
  EXPECT_EQ(report_.not_seen[1].path, at("A/locked"));
  EXPECT_EQ(report_.not_seen[1].why, "Permission denied");
  EXPECT_EQ(report_.not_seen_count, 2);
  EXPECT_THAT(report_.unknown, SizeIs(2));
  EXPECT_THAT(report_.walked, SizeIs(1));
}

TEST_F(LockedSources, WhatTheStoreKnowsThereStaysAsItWas) {
  auto store = must(Store::open_writer(folder_.file("archive.db")));
  const RunId run = must(store.ensure_run("default", settings())).run.id;
  const auto scan_once = [&](bool as_root) {
    const SourcePlan sources = plan({"A"}, must(store.known_roots()));
    Scan scan = must(store.begin_scan(run, sources.roots));
    Walker walker(sources, {});
    for (;;) {
      const auto step = [&] { return must(walker.next()); };
      const auto files = as_root ? step() : unprivileged(step);
      if (files.empty()) break;
      must(scan.add(files));
    }
    const WalkReport& report = walker.report();
    return must(scan.finish(report.walked, report.skipped, report.unknown));
  };
  EXPECT_EQ(scan_once(true).added, 4);
  fs::remove(at("A/gone.jpg"));
  lock(fs::perms::none, kListed);

  const ScanCounts second = scan_once(false);

  EXPECT_EQ(second.vanished, 1);  // gone.jpg alone
  EXPECT_EQ(second.not_asked, 0);
  EXPECT_EQ(must(store.counts(run)).asked.total(), 3);
}

TEST_F(Sources, APathThatIsTooLongIsNamed) {
  std::string name(200, 'd');
  fs::create_directory(at("A"));
  put("A/a.jpg");
  int folder = ::open(at("A").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 30; ++i) {  // beyond PATH_MAX, which only relative names reach
    ASSERT_EQ(::mkdirat(folder, name.c_str(), 0700), 0);
    const int next = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(folder);
    folder = next;
  }
  ::close(folder);

  EXPECT_THAT(walk(plan({"A"})), ElementsAre("a:a.jpg"));
  ASSERT_THAT(report_.not_seen, SizeIs(1));
  EXPECT_EQ(report_.not_seen[0].why, "File name too long");
}

}  // namespace
}  // namespace photoscribe::test
