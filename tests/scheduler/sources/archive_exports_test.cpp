// Exports of Google, Facebook, Instagram, X and Flickr as archives, whole and in parts.
#include "scheduler/sources/archive_exports.h"

#include "common/archive/member_numbers.h"
#include "tests/scheduler/sources/archives_fixture.h"

namespace photoscribe::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Members = std::vector<MadeMember>;

std::string takeout(const std::string& title, int day, const std::string& text = "") {
  return "{\"title\":\"" + title + "\",\"description\":\"" + text +
         "\",\"photoTakenTime\":{\"timestamp\":\"" + std::to_string(86'400 * day) +
         "\"},\"people\":[{\"name\":\"Ana\"}],\"geoData\":{\"latitude\":52.5,\"longitude\":13.25}}";
}

const std::string kAlbum = "Takeout/Google Photos/Photos from 1970/";

/// One of each service, as their parts of this file's head are in folders.
Members whole_export() {
  return {
      {kAlbum + "IMG_1.jpg", "x"},
      {kAlbum + "IMG_1.jpg.supplemental-metadata.json", takeout("IMG_1.jpg", 1, "one")},
      {kAlbum + "IMG_1(1).jpg", "x"},
      {kAlbum + "IMG_1.jpg.supplemental-metadata(1).json", takeout("IMG_1.jpg", 2)},
      {kAlbum + "Butter.jpg", "x"},
      {kAlbum + "Butter.json", takeout("Butter.jpg", 3)},
      {kAlbum + "metadata.json", "{\"title\":\"Photos from 1970\"}"},
      {"fb/your_facebook_activity/posts/media/1.jpg", "x"},
      {"fb/your_facebook_activity/posts/your_posts_1.json",
       R"([{"data":[{"post":"hello"}],"attachments":[{"data":[{"media":{"uri":"posts/media/1.jpg"}}]}]}])"},
      {"ig/content/posts_1.json",
       R"([{"media":[{"uri":"media/a.jpg","creation_timestamp":86400,"title":"Sea"}]}])"},
      {"ig/media/a.jpg", "x"},
      {"x/data/tweets_media/2-x.jpg", "x"},
      {"x/data/tweets.js",
       R"(window.YTD.tweets.part0 = [{"tweet":{"id_str":"2","full_text":"tweeted"}}])"},
      {"fl/data-download-1/fox_48499561892_o.jpg", "x"},
      {"fl/part1/photo_48499561892.json",
       R"({"id":"48499561892","name":"Fox","photopage":"https://example.org/1"})"}};
}

class ArchivedExports : public ArchivesAgain {
 protected:
  /// "column=value; …" by the photo's path behind the archive's name.
  std::map<std::string, std::string> kept(const std::vector<std::string>& names,
                                          WalkOptions options = {}) {
    std::map<std::string, std::string> all;
    for (const FoundFile& one : files(names, std::move(options))) {
      if (one.archive) continue;
      std::string& text = all[one.path.substr(one.path.find('!') + 1)];
      for (const auto& [name, value] : one.kept)
        text += (text.empty() ? "" : "; ") + name + "=" + value;
    }
    return all;
  }
  [[nodiscard]] std::vector<std::string> dates() const {
    return plain_rows(at("archive.db"),
                      "SELECT CAST(path AS TEXT), value FROM kept_value JOIN kept_column USING "
                      "(column_id) JOIN image USING (image_id) WHERE name = 'taken_at' ORDER BY 1");
  }
};

TEST_F(ArchivedExports, SayWhatTheySayAsFoldersInArchivesOfEveryKind) {
  for (const MadeMember& one : whole_export()) put("folder/" + one.name, one.bytes);
  auto wanted = kept({"folder"});
  const auto described = report_.described;
  ASSERT_THAT(wanted.at(kAlbum + "Butter.jpg"), HasSubstr("1970-01-04"));
  ASSERT_EQ(described.size(), 5U);
  for (const MadeAs as : kMadeAs) {
    make("A/all", whole_export(), as);
    EXPECT_EQ(kept({"A/all"}), wanted) << static_cast<int>(as);
    EXPECT_EQ(report_.described, described);
    EXPECT_EQ(report_.files, 7);
    WalkOptions off;
    off.sidecars = false;
    EXPECT_EQ(kept({"A/all"}, off).at(kAlbum + "IMG_1.jpg"), "");
  }
}

TEST_F(ArchivedExports, SplitOverSeveralArchivesAreOneExport) {
  const Members photos{{kAlbum + "a.jpg", "x"},
                       {kAlbum + "b.jpg", "x"},
                       {kAlbum + "c.jpg.json", takeout("c.jpg", 3)}};
  const Members rest{{kAlbum + "b.jpg.json", takeout("b.jpg", 2)},
                     {kAlbum + "c.jpg", "x"},
                     {kAlbum + "a.jpg.json", takeout("a.jpg", 1)}};
  for (const MadeAs as : {MadeAs::zip_deflated, MadeAs::tar_gz, MadeAs::tar}) {
    const std::string end = as == MadeAs::zip_deflated ? ".zip" : ".tgz";
    const std::string first = "A/takeout-20240101T101010Z-001" + end;
    const std::string second = "A/takeout-20240101T101010Z-002" + end;
    make(first, photos, as);
    make(second, rest, as);
    WalkOptions options;
    options.archives = true;
    for (const auto& names : {std::vector{first, second}, {second, first}, {std::string("A")}}) {
      const auto all = kept(names, options);
      EXPECT_THAT(all.at(kAlbum + "a.jpg"), HasSubstr("1970-01-02"));
      EXPECT_THAT(all.at(kAlbum + "b.jpg"), HasSubstr("1970-01-03"));
      EXPECT_THAT(all.at(kAlbum + "c.jpg"), HasSubstr("1970-01-04"));
      EXPECT_THAT(report_.described, ElementsAre(Pair("Google Takeout", 3)));
    }
    fs::remove_all(at("A"));
  }
}

TEST_F(ArchivedExports, APartThatComesLaterTellsOfTheOthers) {
  const std::string one = "A/takeout-1.zip", two = "A/takeout-2.zip", three = "A/takeout-3.zip";
  make(one, {{kAlbum + "a.jpg", "x"}}, MadeAs::zip_deflated);
  EXPECT_EQ(scan({one}).added, 1);
  EXPECT_THAT(dates(), IsEmpty());
  make(two,
       {{kAlbum + "a.jpg.json", takeout("a.jpg", 1)}, {kAlbum + "b.jpg.json", takeout("b.jpg", 2)}},
       MadeAs::zip_deflated);
  const ScanCounts later = scan({one, two});
  EXPECT_EQ(later.unchanged, 1);
  EXPECT_EQ(later.added + later.changed + later.vanished, 0);
  EXPECT_THAT(dates(), ElementsAre("takeout-1.zip!" + kAlbum + "a.jpg|1970-01-02T00:00:00Z"));

  // The photo comes after what is said of it.
  make(three, {{kAlbum + "b.jpg", "x"}}, MadeAs::zip_deflated);
  EXPECT_EQ(scan({one, two, three}).added, 1);
  EXPECT_EQ(dates().size(), 2U);

  EXPECT_EQ(scan({one, two, three}).unchanged, 2);
  EXPECT_EQ(again_, 3) << "nothing is new: nothing is listed";
  EXPECT_EQ(dates().size(), 2U);
}

TEST_F(ArchivedExports, OfTwoPeopleInOneFolderAreNotMixed) {
  make("A/ana-001.zip", {{kAlbum + "a.jpg", "x"}}, MadeAs::zip_stored);
  make("A/bob-001.zip", {{kAlbum + "a.jpg", "x"}, {kAlbum + "a.jpg.json", takeout("a.jpg", 5)}},
       MadeAs::zip_stored);
  // Of one series, but each complete: a photo's own archive comes first.
  make("B/1.zip", {{kAlbum + "a.jpg", "x"}, {kAlbum + "a.jpg.json", takeout("a.jpg", 1)}},
       MadeAs::zip_stored);
  make("B/2.zip", {{kAlbum + "a.jpg", "x"}, {kAlbum + "a.jpg.json", takeout("a.jpg", 2)}},
       MadeAs::zip_stored);
  WalkOptions options;
  options.archives = true;
  std::map<std::string, std::string> days;
  for (const char* folder : {"A", "B"}) {
    for (const FoundFile& one : files({folder}, options)) {
      if (one.archive) continue;
      days[one.path.substr(0, one.path.find('!'))] = one.kept.empty() ? "" : one.kept[0].second;
    }
  }
  EXPECT_THAT(days, ElementsAre(Pair("1.zip", "1970-01-02T00:00:00Z"),
                                Pair("2.zip", "1970-01-03T00:00:00Z"), Pair("ana-001.zip", ""),
                                Pair("bob-001.zip", "1970-01-06T00:00:00Z")));
}

TEST_F(ArchivedExports, OfFlickrAndFacebookComeInArchivesOfAnyNames) {
  make("A/72157_0a1b_part1.zip",
       {{"photo_48499561892.json", R"({"id":"48499561892","name":"Fox","photopage":"p"})"}},
       MadeAs::zip_deflated);
  make("A/data-download-1.zip", {{"fox_48499561892_o.jpg", "x"}}, MadeAs::zip_stored);
  make("A/facebook-ana-QwErTy.zip", {{"your_facebook_activity/posts/media/1.jpg", "x"}},
       MadeAs::zip_stored);
  make(
      "A/facebook-ana-ZuIoP.zip",
      {{"your_facebook_activity/posts/your_posts_1.json",
        R"([{"data":[{"post":"hello"}],"attachments":[{"data":[{"media":{"uri":"posts/media/1.jpg"}}]}]}])"}},
      MadeAs::zip_stored);
  WalkOptions options;
  options.archives = true;
  const auto all = kept({"A"}, options);
  EXPECT_THAT(all.at("fox_48499561892_o.jpg"), HasSubstr("title=Fox"));
  EXPECT_THAT(all.at("your_facebook_activity/posts/media/1.jpg"), HasSubstr("text=hello"));
}

TEST_F(ArchivedExports, AreReadWithinBoundsAndCostNoPhoto) {
  MadeMember vast{kAlbum + "a.jpg.json", takeout("a.jpg", 1)};
  vast.zeros = std::int64_t{2} << 20;  // of a sidecar's one megabyte
  for (const MadeAs as : kMadeAs) {
    make("A/x",
         {{kAlbum + "a.jpg", "x"},
          vast,
          {kAlbum + "b.jpg", "x"},
          {kAlbum + "b.jpg.json", "{not"},
          {kAlbum + "c.jpg", "x"},
          {kAlbum + "c.jpg.json", "", MadeMember::Kind::link, "/etc/passwd"},
          {"../" + kAlbum + "d.jpg.json", takeout("d.jpg", 1)},
          {kAlbum + "d.jpg", "x"},
          {kAlbum + "e.jpg", "1"},
          {kAlbum + "e.jpg", "2"},
          {kAlbum + "e.jpg.json", takeout("e.jpg", 9)}},
         as);
    const auto all = kept({"A/x"});
    EXPECT_EQ(all.size(), 6U) << static_cast<int>(as);
    for (const char* name : {"a", "b", "c", "d"})
      EXPECT_EQ(all.at(kAlbum + name + ".jpg"), "") << static_cast<int>(as);
    EXPECT_THAT(all.at(kAlbum + "e.jpg"), HasSubstr("1970-01-10"));
    EXPECT_THAT(all.at(kAlbum + "e.jpg#2"), HasSubstr("1970-01-10")) << "one of two";
  }
  make("A/secret.zip", {{kAlbum + "a.jpg", "x"}, {kAlbum + "a.jpg.json", takeout("a.jpg", 1)}},
       MadeAs::zip_encrypted);
  EXPECT_EQ(kept({"A/secret.zip"}).at(kAlbum + "a.jpg"), "");
}

TEST_F(ArchivedExports, EndWithALimitAndOnRequest) {
  make("A/x.tgz", whole_export(), MadeAs::tar_gz);
  WalkOptions options;
  options.limit = 2;
  EXPECT_EQ(files({"A/x.tgz"}, options).size(), 2U);
  EXPECT_TRUE(report_.reached_limit);

  Members many;
  for (int i = 0; i < 5'000; ++i) many.push_back({std::to_string(i) + ".jpg", ""});
  make("A/many.tar", many);
  int asked = 0;
  WalkOptions stopped;
  stopped.goes_on = [&] { return ++asked < 2; };
  EXPECT_THAT(files({"A/many.tar"}, stopped), IsEmpty()) << "held, and let go";
  EXPECT_EQ(asked, 2);
}

TEST(ArchiveSeries, AreNamesWithoutTheNumbersAtTheirEnd) {
  const std::string takeout = "takeout-20240101T101010Z";
  for (const char* part : {"-001.zip", "-2-001.zip", "-001 (1).zip", "-012.tgz", "-1.tar.gz"})
    EXPECT_EQ(series_of(takeout + part), takeout) << part;
  EXPECT_NE(series_of("takeout-20230101T101010Z-001.zip"), takeout);
  EXPECT_EQ(series_of("ana.smith.zip"), "ana.smith");
  EXPECT_EQ(series_of("2019.zip"), "");
}

TEST_F(ArchivesAgain, WithVeryManyMembersOfOneNameAreListedInLinearTime) {
  MemberNumbers numbers;
  constexpr int kMembers = 100'000;
  for (int i = 2; i <= kMembers / 2; ++i)
    EXPECT_EQ(numbers.name_of("a.jpg#" + std::to_string(i)), "a.jpg#" + std::to_string(i));
  std::string last;
  for (int i = 0; i < kMembers / 2; ++i) last = numbers.name_of("a.jpg");
  EXPECT_EQ(last, "a.jpg#" + std::to_string(kMembers - 1));
  EXPECT_LT(numbers.tried(), 3 * kMembers);

  Members same(2'000, {"a.jpg", ""});
  make("A/x.tar", same);
  put("A/other!file");  // so that real files are asked for
  const auto found = paths(files({"A/x.tar"}));
  ASSERT_EQ(found.size(), same.size());
  EXPECT_EQ(found[0], "x.tar!a.jpg");
  EXPECT_EQ(found[1'999], "x.tar!a.jpg#2000");
}

}  // namespace
}  // namespace photoscribe::test
