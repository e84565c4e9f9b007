// Archives in a walk: their members as photos of a run.
#include <random>

#include "tests/scheduler/sources/archives_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = MadeMember::Kind;

TEST_F(Archives, OfEveryKindAreListed) {
  const std::vector<MadeMember> members{
      {"2019", "", Kind::folder}, {"2019/a.jpg", std::string(3000, 'a')},
      {"notes.txt", "x"},         {"b\xc3\xa4.PNG", "12345"},
      {".hidden.jpg", "x"},       {"__MACOSX/._a.jpg", "x"}};
  for (const MadeAs as : kMadeAs) {
    make("A/photos", members, as);
    const auto found = files({"A/photos"});
    EXPECT_THAT(paths(found), ElementsAre("photos!2019/a.jpg", "photos!b\xc3\xa4.PNG"))
        << static_cast<int>(as);
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_EQ(found[0].size_bytes, 3000);
    EXPECT_EQ(found[1].size_bytes, 5);
    ASSERT_TRUE(found[0].member && found[1].member);
    EXPECT_EQ(found[0].member->archive_size, 6);
    EXPECT_LT(found[0].member->offset, found[1].member->offset);
    EXPECT_EQ(found[2].path, "photos");
    ASSERT_TRUE(found[2].archive);
    EXPECT_EQ(found[2].archive->photos, 2);
    EXPECT_EQ(found[2].archive->damage, "");
    EXPECT_EQ(found[0].mtime_ns, found[2].mtime_ns) << "the archive's";
    EXPECT_EQ(found[0].inode, found[2].inode);
    EXPECT_EQ(report_.files, 2);
    ASSERT_THAT(report_.skipped, SizeIs(1));
    EXPECT_EQ(report_.skipped[0].extension, ".txt");
    EXPECT_EQ(report_.not_seen_count, 0);
  }
}

TEST_F(Archives, InFoldersAreLookedIntoOnRequest) {
  make("A/sub/x.tar", {{"a.jpg", "x"}});
  make("A/y.zip", {{"b.jpg", "x"}}, MadeAs::zip_stored);
  put("A/c.jpg");

  EXPECT_THAT(paths(files({"A"})), ElementsAre("c.jpg"));
  ASSERT_THAT(report_.skipped, SizeIs(2));
  WalkOptions options;
  options.archives = true;
  EXPECT_THAT(paths(files({"A"}, options)), ElementsAre("c.jpg", "sub/x.tar!a.jpg", "y.zip!b.jpg"));
  EXPECT_THAT(paths(files({"A", "A/y.zip"})), ElementsAre("c.jpg", "y.zip!b.jpg"));
  EXPECT_THAT(paths(files({"A", "A/y.zip"}, options)),
              ElementsAre("c.jpg", "sub/x.tar!a.jpg", "y.zip!b.jpg"))
      << "once";
  options.exclude = {"*.zip"};
  EXPECT_THAT(paths(files({"A"}, options)), ElementsAre("c.jpg", "sub/x.tar!a.jpg"));
}

TEST_F(Archives, AreFilteredByTheirMembersNames) {
  make("A/x.tar", {{"2019/a.jpg", "x"}, {"2020/a.jpg", "x"}, {"2020/b.png", "x"}});
  WalkOptions options;
  options.include = {"x.tar!2020/*"};
  options.exclude = {"*.png"};
  EXPECT_THAT(paths(files({"A/x.tar"}, options)), ElementsAre("x.tar!2020/a.jpg"));
  EXPECT_EQ(report_.filtered, 2);
}

TEST_F(Archives, GiveEachMemberItsOwnRow) {
  const std::vector<MadeMember> members{{"a.jpg", "1"},
                                        {"./a.jpg", "2"},
                                        {"a.jpg", "3"},
                                        {"../up.jpg", "x"},
                                        {"/etc/abs.jpg", "x"},
                                        {"link.jpg", "", Kind::link, "a.jpg"},
                                        {"hard.jpg", "", Kind::hard_link, "a.jpg"},
                                        {"pipe.jpg", "", Kind::pipe},
                                        {"in.zip", "x"},
                                        {"in.tar", "x"}};
  make("A/x.tar", members);
  EXPECT_THAT(
      paths(files({"A/x.tar"})),
      ElementsAre("x.tar!a.jpg", "x.tar!a.jpg#2", "x.tar!a.jpg#3", "x.tar!../up.jpg",
                  "x.tar!/etc/abs.jpg", "x.tar!link.jpg", "x.tar!hard.jpg", "x.tar!pipe.jpg"));
  ASSERT_THAT(report_.warnings, SizeIs(1));
  EXPECT_THAT(report_.warnings[0], HasSubstr("in.zip and 1 more"));
  EXPECT_THAT(report_.skipped, SizeIs(2));
}

TEST_F(Archives, LeaveTheNameToARealFile) {
  make("A/x.tar", {{"2019/a.jpg", "x"}, {"2019/b.jpg", "x"}});
  put("A/x.tar!2019/a.jpg");
  WalkOptions options;
  options.archives = true;

  const auto found = files({"A"}, options);

  std::vector<std::string> plain, members;
  for (const FoundFile& one : found) {
    if (!one.archive) (one.member ? members : plain).push_back(one.path);
  }
  EXPECT_THAT(plain, ElementsAre("x.tar!2019/a.jpg"));
  EXPECT_THAT(members, ElementsAre("x.tar!2019/a.jpg#2", "x.tar!2019/b.jpg"));
}

TEST_F(Archives, ThatAreDamagedKeepWhatCameBefore) {
  std::vector<MadeMember> members;
  for (int i = 0; i < 20; ++i)
    members.push_back({"p" + std::to_string(i) + ".jpg", std::string(30'000, 'x')});
  for (const MadeAs as : {MadeAs::tar, MadeAs::tar_gz, MadeAs::tar_zst}) {
    for (MadeMember& one : members) {
      std::mt19937 random(static_cast<unsigned>(one.name.size()));
      for (char& c : one.bytes) c = static_cast<char>(random());  // does not shrink
    }
    make("A/x.tar", members, as);
    const std::string bytes = bytes_of(at("A/x.tar"));
    put("A/x.tar", bytes.substr(0, bytes.size() / 2));
    const auto found = files({"A/x.tar"});
    EXPECT_GT(report_.files, 2) << static_cast<int>(as);
    EXPECT_LT(report_.files, 20);
    ASSERT_THAT(report_.not_seen, SizeIs(1)) << static_cast<int>(as);
    EXPECT_THAT(report_.not_seen[0].path, HasSubstr("x.tar"));
    EXPECT_THAT(report_.not_seen[0].why, HasSubstr("known of it"));
    ASSERT_THAT(report_.unknown, SizeIs(1));
    EXPECT_EQ(report_.unknown[0].prefix, "x.tar") << "its other rows stay as they are";
  }
}

TEST_F(Archives, ThatAreNoneAreRefusedByName) {
  put("A/one.zip", "PK\x03\x04 and no directory");
  put("A/two.tgz", "\x1f\x8b no gzip");
  put("A/three.tar", "text");
  make_archive(at("A/inner"), MadeAs::tar_gz, {{"a.jpg", "x"}});

  for (const char* name : {"A/one.zip", "A/two.tgz"}) {
    const auto refused = plan_sources(std::vector<std::string>{at(name)}, {});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::usage);
  }
  WalkOptions options;
  options.archives = true;
  EXPECT_THAT(paths(files({"A"}, options)), IsEmpty());
  EXPECT_EQ(report_.not_seen_count, 3) << "and what is there goes on";
}

TEST_F(Archives, OverTheRatioOfABombAreLeft) {
  MadeMember zeros{"zeros.bmp", ""};
  zeros.zeros = std::int64_t{1} << 30;
  make("A/x.tar.zst", {{"a.jpg", "x"}, zeros, zeros, {"b.jpg", "x"}}, MadeAs::tar_zst);

  EXPECT_THAT(paths(files({"A/x.tar.zst"})), testing::Not(testing::Contains("x.tar.zst!b.jpg")));
  ASSERT_THAT(report_.not_seen, SizeIs(1));
  EXPECT_THAT(report_.not_seen[0].why, HasSubstr("unpacks to more than"));
}

TEST_F(ArchivesAgain, AreNotReadWhenTheyAreUnchanged) {
  make("A/x.tar.gz", {{"a.jpg", "1"}, {"b.jpg", "2"}}, MadeAs::tar_gz);
  EXPECT_EQ(scan({"A/x.tar.gz"}).added, 2);
  const auto tasks = must(store_.take_tasks(run_, 10));
  ASSERT_THAT(tasks, SizeIs(2));
  EXPECT_EQ(tasks[1].path, "x.tar.gz!b.jpg");
  ASSERT_TRUE(tasks[1].member);
  EXPECT_EQ(tasks[1].member->archive_size, 8);
  EXPECT_GT(tasks[1].member->offset, tasks[0].member->offset);
  EXPECT_EQ(must(store_.tasks_of(run_, std::vector<ImageAttempt>{{tasks[1].image_id, 1}}))[0],
            tasks[1]);

  const ScanCounts again = scan({"A/x.tar.gz"});
  EXPECT_EQ(again_, 1);
  EXPECT_EQ(report_.files, 2);
  EXPECT_EQ(again.unchanged, 2);
  EXPECT_EQ(again.vanished + again.added + again.changed + again.not_asked, 0);

  WalkOptions fewer;
  fewer.exclude = {"a.*"};
  const ScanCounts filtered = scan({"A/x.tar.gz"}, fewer);
  EXPECT_EQ(again_, 0) << "other options choose other members";
  EXPECT_EQ(filtered.unchanged, 1);
  EXPECT_EQ(filtered.not_asked, 1);

  EXPECT_EQ(scan({"A/x.tar.gz"}).returned, 1);
}

TEST_F(ArchivesAgain, OfWebDatasetKeepTheTextBesideAPhoto) {
  const std::vector<MadeMember> members{{"s/000.cls", "7"},
                                        {"s/000.jpg", "x"},
                                        {"s/000.json", R"({"url": "u"})"},
                                        {"s/000.txt", " a dog \n"},
                                        {"s/001.jpg", "x"},
                                        {"s/001.seg.png", "x"},
                                        {"s/001.txt", "two"},
                                        {"s/002.txt", "of no photo"},
                                        {"s/003.jpg", "x"},
                                        {"s/003.txt", std::string("\xff\xfe", 2)}};
  for (const MadeAs as : {MadeAs::tar, MadeAs::tar_gz}) {
    make("A/w.tar", members, as);
    const auto found = files({"A/w.tar"});
    EXPECT_THAT(paths(found), ElementsAre("w.tar!s/000.jpg", "w.tar!s/001.jpg",
                                          "w.tar!s/001.seg.png", "w.tar!s/003.jpg"));
    using Kept = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(found[0].kept, (Kept{{"cls", "7"}, {"json", R"({"url": "u"})"}, {"txt", "a dog"}}));
    EXPECT_EQ(found[1].kept, (Kept{{"txt", "two"}}));
    EXPECT_EQ(found[2].kept, (Kept{{"txt", "two"}}));
    EXPECT_THAT(found[3].kept, IsEmpty()) << "no text";
    ASSERT_THAT(report_.skipped, SizeIs(1)) << "only the text of no photo";
    EXPECT_EQ(report_.skipped[0].files, 1);
  }
  scan({"A/w.tar"});
  const std::string kept =
      "SELECT name, value FROM kept_value JOIN kept_column USING (column_id) "
      "WHERE image_id = 1 ORDER BY name";
  EXPECT_THAT(plain_rows(at("archive.db"), kept),
              ElementsAre("cls|7", R"(json|{"url": "u"})", "txt|a dog"));
  WalkOptions references;
  references.sidecar_text = SidecarText::reference;
  scan({"A/w.tar"}, references);
  EXPECT_EQ(again_, 0);
  EXPECT_THAT(must(store_.references_of(1)), ElementsAre("a dog"));
  scan({"A/w.tar"}, references);
  EXPECT_EQ(again_, 1);
  EXPECT_THAT(must(store_.references_of(1)), ElementsAre("a dog"));
  WalkOptions none;
  none.sidecar_text = SidecarText::none;
  EXPECT_THAT(files({"A/w.tar"}, none)[0].kept, IsEmpty());
}

TEST_F(ArchivesAgain, ThatChangedAreAsChangedFiles) {
  make("A/x.tar", {{"a.jpg", "1"}, {"b.jpg", "2"}});
  EXPECT_EQ(scan({"A/x.tar"}).added, 2);
  make("A/x.tar", {{"new.jpg", "123"}, {"b.jpg", "2"}});
  fs::last_write_time(at("A/x.tar"), fs::file_time_type::clock::now() + std::chrono::hours(1));

  const ScanCounts again = scan({"A/x.tar"});
  EXPECT_EQ(again.added, 1);
  EXPECT_EQ(again.changed, 1);
  EXPECT_EQ(again.vanished, 1);
  const auto tasks = must(store_.take_tasks(run_, 10));
  ASSERT_THAT(tasks, SizeIs(2));
}

TEST_F(ArchivesAgain, KeepTheirRowsWhenAFolderIsWalkedWithoutLookingIntoThem) {
  make("A/x.tar", {{"a.jpg", "1"}});
  put("A/b.jpg");
  WalkOptions options;
  options.archives = true;
  EXPECT_EQ(scan({"A"}, options).added, 2);

  const ScanCounts without = scan({"A"});
  EXPECT_EQ(without.vanished, 0);
  EXPECT_EQ(without.not_asked, 1);
  fs::remove(at("A/x.tar"));
  EXPECT_EQ(scan({"A"}, options).vanished, 1) << "the archive is gone";
}

TEST_F(ArchivesAgain, ThatAreDamagedStaySoNamedAndKeepTheRows) {
  make("A/x.tar", {{"a.jpg", std::string(5000, 'x')}, {"b.jpg", "2"}});
  EXPECT_EQ(scan({"A/x.tar"}).added, 2);
  const std::string bytes = bytes_of(at("A/x.tar"));
  put("A/x.tar", bytes.substr(0, 3000));
  for (int round = 0; round < 2; ++round) {
    const ScanCounts damaged = scan({"A/x.tar"});
    EXPECT_EQ(again_, round);
    EXPECT_EQ(damaged.vanished, 0);
    ASSERT_THAT(report_.not_seen, SizeIs(1));
    EXPECT_THAT(report_.not_seen[0].why, HasSubstr("known of it: 1 photos"));
  }
}

}  // namespace
}  // namespace photoscribe::test
