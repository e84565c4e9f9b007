// Photos that lie in an archive more than once: to the byte, or nearly.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/fixture.h"

namespace photoscribe::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Doubles : public EndToEnd {
 protected:
  /// The same pixels in other bytes: with a comment behind the first marker.
  static std::string commented(std::string jpeg) {
    return jpeg.insert(2, std::string("\xff\xfe\x00\x06news", 8));
  }
  nlohmann::json summary(std::vector<std::string> more = {}) const {
    more.emplace_back("--json");
    const Finished finished = run_photos(more);
    EXPECT_EQ(finished.exit_status, 0) << finished.err;
    return nlohmann::json::parse(finished.out);
  }
};

TEST_F(Doubles, WithTheSameBytesGetOneResultAlsoAcrossRunsAndRestarts) {
  add_photos(5);
  // So large that it is worth asking for before it is measured.
  write_photo("soft.jpg", blurred_jpeg().insert(2, "\xff\xfe\x10\x02" + std::string(4'096, 'n')));
  EXPECT_EQ(summary()["equal_photos"], 0);
  fs::copy(photos(), photos() + "/elsewhere");

  EXPECT_EQ(summary()["equal_photos"], 6);

  expect_everything_once(12);
  EXPECT_EQ(count("state = 'blurred'"), "2");
  EXPECT_EQ(query_one(database(),
                      "SELECT count(*) FROM photo_content AS copy "
                      "JOIN caption_result AS mine ON mine.uri = copy.uri "
                      "JOIN caption_result AS source ON source.uri = copy.copied_from "
                      "WHERE copy.uri LIKE '%/elsewhere/%' AND copy.hash_distance IS NULL "
                      "AND mine.caption IS source.caption AND mine.blur_score = source.blur_score "
                      "AND mine.width = source.width"),
            "6");
  const Finished status = photoscribe({"status", database()});
  EXPECT_THAT(status.out, HasSubstr("6 reuse the result of a photo with the same bytes"));
  const Finished rows = photoscribe({"export", database(), "--format", "jsonl"});
  EXPECT_THAT(rows.out, HasSubstr("\"copied_from\":\"" + photos() + "/soft.jpg\""));

  // A run of its own whose photos lie elsewhere and are newer, as after a move to another disk.
  fs::rename(photos(), folder_.file("moved"));
  fs::create_directory(photos());
  const Finished moved = photoscribe({"run", folder_.file("moved"), "-o", database(), "--model",
                                      model(), "--new-run", "moved", "--json"});
  ASSERT_EQ(moved.exit_status, 0) << moved.err;
  EXPECT_EQ(nlohmann::json::parse(moved.out)["equal_photos"], 12);
}

TEST_F(Doubles, AreCaptionedAnewWhenAskedFor) {
  add_photos(3);
  fs::copy(photos(), photos() + "/elsewhere");
  summary();

  EXPECT_EQ(summary({"--redo"})["equal_photos"], 0);

  EXPECT_EQ(query_one(database(), "SELECT min(attempt) FROM image"), "2");
}

TEST_F(Doubles, ThatLookTheSameShareACaptionOnlyWhereTheRunAsks) {
  for (int i = 0; i < 4; ++i) {
    const std::string jpeg = clear_jpeg(i);
    write_photo("a" + std::to_string(i) + ".jpg", jpeg);
    write_photo("b" + std::to_string(i) + ".jpg", commented(jpeg));
  }
  EXPECT_EQ(summary()["near_duplicates"], 0);

  const nlohmann::json near = summary({"--new-run", "near", "--near-duplicates", "1"});

  EXPECT_EQ(near["near_duplicates"], 0) << "taken over from the other run, unread";
  EXPECT_EQ(near["reused"], 8);
  fs::remove(database());
  EXPECT_EQ(summary({"--near-duplicates", "1"})["near_duplicates"], 4);
  EXPECT_EQ(
      query_one(database(), "SELECT count(DISTINCT caption) FROM caption_result"),
      query_one(database(),
                "SELECT count(DISTINCT caption) FROM caption_result WHERE uri LIKE '%/a_.jpg'"));
  // Another distance gives other captions.
  const Finished refused = run_photos({"--near-duplicates", "2"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("near_duplicates 1 (now 2)"));
}

}  // namespace
}  // namespace photoscribe::test
