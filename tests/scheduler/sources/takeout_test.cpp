// Which JSON file of a Takeout is a photo's, and what it says (ops/docs/sources.md).
#include "scheduler/sidecars/takeout.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace photoscribe::sidecars {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string best(const std::string& photo, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto found = takeout_sidecars(photo, names);
  return found.empty() ? "" : found.front().name + (found.front().sure ? "" : "?");
}

TEST(TakeoutNames, OldAndNewOnes) {
  EXPECT_EQ(best("IMG_1.jpg", {"IMG_1.jpg.json", "IMG_10.jpg.json"}), "IMG_1.jpg.json");
  EXPECT_EQ(best("IMG_1.jpg", {"IMG_1.jpg.supplemental-metadata.json", "IMG_1.png.json"}),
            "IMG_1.jpg.supplemental-metadata.json");
  for (const char* cut : {"IMG_1.jpg.supplemental-metad.json", "IMG_1.jpg.s.json",
                          "IMG_1.jpg..json", "IMG_1.jpg.suppl.json"})
    EXPECT_EQ(best("IMG_1.jpg", {cut}), cut);
  EXPECT_EQ(best("IMG_1.jpg", {"IMG_1.jpg.other.json", "metadata.json"}), "");
}

TEST(TakeoutNames, NumbersStandBehindTheExtension) {
  const std::vector<std::string> names{"IMG_1.jpg.json", "IMG_1.jpg(1).json", "IMG_1.jpg(2).json"};
  EXPECT_EQ(best("IMG_1.jpg", names), "IMG_1.jpg.json");
  EXPECT_EQ(best("IMG_1(1).jpg", names), "IMG_1.jpg(1).json");
  EXPECT_EQ(best("IMG_1(2).jpg", names), "IMG_1.jpg(2).json");
  EXPECT_EQ(best("IMG_1(3).jpg", names), "");
  const std::vector<std::string> newer{"IMG_1.jpg.supplemental-metadata.json",
                                       "IMG_1.jpg.supplemental-metadata(1).json"};
  EXPECT_EQ(best("IMG_1(1).jpg", newer), newer[1]);
  EXPECT_EQ(best("IMG_1.jpg", newer), newer[0]);
  EXPECT_EQ(best("A (3).jpg", {"A (3).jpg.json"}), "A (3).jpg.json");
}

TEST(TakeoutNames, AreCutAfterFortySixCharacters) {
  const std::string stem = "a photograph with a name that is longer than any";
  EXPECT_EQ(best(stem.substr(0, 43) + ".jpg", {stem.substr(0, 46) + ".json"}), "");
  EXPECT_EQ(best(stem.substr(0, 47) + ".jpg", {stem.substr(0, 46) + ".json"}),
            stem.substr(0, 46) + ".json?");
  EXPECT_EQ(best("12345678901234567890123456789012345678.jpg",
                 {"12345678901234567890123456789012345678.jpg.su.json"}),
            "12345678901234567890123456789012345678.jpg.su.json");
  EXPECT_EQ(best(stem.substr(0, 47) + "(1).jpg", {stem.substr(0, 46) + "(1).json"}),
            stem.substr(0, 46) + "(1).json?");
}

TEST(TakeoutNames, EditedCopiesHaveTheOriginals) {
  for (const char* copy : {"IMG_1-edited.jpg", "IMG_1-bearbeitet.jpg", "IMG_1-modifi\xc3\xa9.jpg",
                           "IMG_1-\xe7\xb7\xa8\xe9\x9b\x86\xe6\xb8\x88\xe3\x81\xbf.jpg"})
    EXPECT_EQ(best(copy, {"IMG_1.jpg.json"}), "IMG_1.jpg.json") << copy;
  EXPECT_EQ(best("IMG_1-edited(1).jpg", {"IMG_1.jpg.json", "IMG_1.jpg(1).json"}),
            "IMG_1.jpg(1).json");
  EXPECT_EQ(best("IMG-1.jpg", {"IMG.jpg.json"}), "");
  EXPECT_EQ(best("a-b.jpg", {"a-b.jpg.json", "a.jpg.json"}), "a-b.jpg.json");
}

TEST(TakeoutNames, MayLackTheExtension) {
  EXPECT_EQ(best("Butter.jpg", {"Butter.supplemental-metadata.json"}),
            "Butter.supplemental-metadata.json?");
  EXPECT_EQ(best("Butter.jpg", {"Butter.json"}), "Butter.json?");
}

constexpr std::string_view kSidecar =
    R"({"title":"IMG_1.jpg","description":"Caf\u00e9 by the sea","imageViews":"3",
        "creationTime":{"timestamp":"1258549448","formatted":"18 Nov 2009, 13:04:08 UTC"},
        "photoTakenTime":{"timestamp":"1258375918","formatted":"16 Nov 2009, 12:51:58 UTC"},
        "geoData":{"latitude":0.0,"longitude":0.0,"altitude":0.0},
        "geoDataExif":{"latitude":30.5,"longitude":-104.25,"altitude":486.2},
        "people":[{"name":"Ana"},{"name":"Bo"}],"favorited":true,
        "url":"https://photos.google.com/photo/x"})";

TEST(TakeoutText, BecomesKeptColumns) {
  EXPECT_THAT(
      *read_takeout(kSidecar, "IMG_1.jpg", true),
      ElementsAre(Pair("taken_at", "2009-11-16T12:51:58Z"), Pair("latitude", "30.5"),
                  Pair("longitude", "-104.25"), Pair("title", "IMG_1.jpg"),
                  Pair("text", "Caf\xc3\xa9 by the sea"), Pair("people", "Ana; Bo"),
                  Pair("favorite", "true"), Pair("url", "https://photos.google.com/photo/x"),
                  Pair("source", "Google Takeout")));
}

TEST(TakeoutText, OfAnotherPhotoOrOfSomethingElseIsNone) {
  EXPECT_TRUE(read_takeout(kSidecar, "IMG_1(1).jpg", false));
  EXPECT_FALSE(read_takeout(kSidecar, "IMG_2.jpg", false));
  EXPECT_TRUE(read_takeout(R"({"title":"a&b?.jpg","creationTime":{}})", "a_b_.jpg", false));
  for (const char* text : {"", "[]", "{}", "{\"title\":\"Album\"}", "not json", "{\"title\":5,"})
    EXPECT_FALSE(read_takeout(text, "a.jpg", true)) << text;
  EXPECT_THAT(
      *read_takeout(R"({"title":[],"photoTakenTime":7,"geoData":"x","people":{}})", "a.jpg", true),
      ElementsAre(Pair("source", "Google Takeout")));
}

}  // namespace
}  // namespace photoscribe::sidecars
