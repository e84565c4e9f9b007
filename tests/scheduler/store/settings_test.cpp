#include "scheduler/store/settings.h"

#include <gtest/gtest.h>

#include "tests/scheduler/store/store_fixture.h"

namespace photoscribe::test {
namespace {

const std::string kHash(64, 'a');

// What 0.1's programs wrote, byte by byte.
const std::string kPlain =
    R"({"blur":{"blur_threshold":100.0,"mode":"full","normalised_side_px":512,"tile_px":256},)"
    R"("limits":{"file_bytes_max":1073741824,"image_timeout_s":60,"pixels_max":256000000},)"
    R"("model_hash":")" +
    kHash +
    R"(","model_name":"fast","preprocessing_version":1,)"
    R"("search":{"beam":3,"length_alpha":0.7,"tokens_max":22}})";
const std::string kFull =
    R"({"blur":{"blur_threshold":87.5,"mode":"tile_max","normalised_side_px":640,"tile_px":128},)"
    R"("confidence":{"bias":0.5,"means":[0.125,0.0,0.0,0.0,0.0,0.0,0.0,1.0],"min":0.25,)"
    R"("weights":[1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0]},)"
    R"("limits":{"file_bytes_max":2000000,"image_timeout_s":30,"pixels_max":1000000},)"
    R"("min_confidence":0.375,"model_hash":")" +
    kHash +
    R"(","model_name":"fast","near_duplicates":6,"preprocessing_version":1,)"
    R"("search":{"beam":5,"length_alpha":0.5,"tokens_max":17}})";

RunSettings plain() {
  RunSettings s;
  s.model_hash = kHash;
  s.model_name = "fast";
  return s;
}

RunSettings full() {
  RunSettings s = plain();
  s.search = {5, 0.5, 17};
  s.blur = {BlurMode::tile_max, 87.5, 640, 128};
  s.limits.pixels_max = 1'000'000;
  s.limits.file_bytes_max = 2'000'000;
  s.limits.image_timeout_s = 30;
  s.near_duplicates = 6;
  s.confidence = ConfidenceModel{0.5, {1, 2, 3, 4, 5, 6, 7, 8}, {0.125, 0, 0, 0, 0, 0, 0, 1}, 0.25};
  s.min_confidence = 0.375;
  return s;
}

TEST(Settings, AreStoredAsEarlierVersionsDid) {
  EXPECT_EQ(to_json(plain()), kPlain);
  EXPECT_EQ(to_json(full()), kFull);
  EXPECT_EQ(must(parse_settings(kPlain)), plain());
  EXPECT_EQ(must(parse_settings(kFull)), full());
}

TEST(Settings, KeepTheObjectsOfAConfidenceAndItsLaterTerms) {
  RunSettings s = full();
  s.confidence->weights[9] = -0.5;
  s.confidence->objects = {{"dog", -0.75}, {"living room", 0.25}};

  EXPECT_EQ(must(parse_settings(to_json(s))), s);
}

TEST(Settings, OfAFirstVersionsModelHaveItsFewTerms) {
  const std::string early =
      kPlain.substr(0, kPlain.size() - 1) +
      R"(,"confidence":{"bias":1.5,"weights":[1,2,3],"means":[4]},"later":{"unheard_of":1}})";

  const RunSettings got = must(parse_settings(early));

  EXPECT_EQ(got.confidence, (ConfidenceModel{1.5, {1, 2, 3}, {4}}));
}

TEST(Settings, ThatAreDamagedAreRefused) {
  for (const char* bad : {"", "{", "[]", "{}", "null"}) EXPECT_FALSE(parse_settings(bad)) << bad;
  std::string other = kPlain;
  other.replace(other.find("\"full\""), 6, "\"soft\"");
  EXPECT_FALSE(parse_settings(other));
  std::string huge = kPlain;
  const auto beam = huge.find("\"beam\":") + 7;
  huge.replace(beam, huge.find(',', beam) - beam, "4294967299");  // 3 as a 32-bit number
  EXPECT_FALSE(parse_settings(huge));
}

TEST(Settings, SayWhatAltersResultsAndWhatOnlyThoseOfOthers) {
  RunSettings judged = plain();
  judged.blur.mode = BlurMode::edges;
  judged.blur.blur_threshold = 3;
  judged.min_confidence = 0.5;
  judged.confidence = ConfidenceModel();
  judged.limits.pixels_max = 7;
  judged.model_name = "renamed";
  EXPECT_EQ(result_altering_difference(plain(), judged), "");
  EXPECT_TRUE(same_results_alone(plain(), judged));

  RunSettings nearly = plain();
  nearly.near_duplicates = 4;
  EXPECT_EQ(result_altering_difference(plain(), nearly), "near_duplicates 0 (now 4)");
  EXPECT_TRUE(same_results_alone(plain(), nearly));

  RunSettings other = nearly;
  other.search.length_alpha = 0.25;
  other.model_hash = std::string(64, 'b');
  EXPECT_EQ(result_altering_difference(plain(), other),
            "model fast aaaaaaaaaaaa (now fast bbbbbbbbbbbb), length_alpha 0.7 (now 0.25), "
            "near_duplicates 0 (now 4)");
  EXPECT_FALSE(same_results_alone(plain(), other));
}

TEST(Settings, OfConceptsAlterResults) {
  RunSettings strict = plain();
  strict.min_concept_probability = 0.25;

  EXPECT_EQ(result_altering_difference(plain(), strict), "min_concept_probability 0.0 (now 0.25)");
  EXPECT_FALSE(same_results_alone(plain(), strict));
  EXPECT_EQ(must(parse_settings(to_json(strict))), strict);
}

// Rows of before name neither; a run that keeps more than before asks for --redo.
TEST(Settings, OfWhatIsKeptBesideACaptionAlterResults) {
  RunSettings looks = plain();
  looks.search.alternatives = 3;
  looks.search.attention = 1;

  EXPECT_FALSE(same_results_alone(plain(), looks));
  EXPECT_EQ(must(parse_settings(to_json(looks))), looks);
  EXPECT_EQ(to_json(plain()).find("alternatives"), std::string::npos);
}

}  // namespace
}  // namespace photoscribe::test
