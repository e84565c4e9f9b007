#include "common/core/spec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace photoscribe {
namespace {

RunSpec sample() {
  RunSpec spec;
  spec.run = "summer";
  spec.settings.model_hash = std::string(64, 'a');
  spec.settings.search.beam = 5;
  spec.settings.blur.mode = BlurMode::tile_max;
  spec.settings.blur.blur_threshold = 87.5;
  spec.roots = {"photos", "scans"};
  return spec;
}

TEST(Spec, GivesBackWhatWasWritten) {
  const Expected<RunSpec> got = parse_spec(to_json(sample()));

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, sample());
}

TEST(Spec, RefusesAMissingAnUnknownAndAnOutOfRangeField) {
  for (const char* name : {"model_hash", "search", "blur", "lease", "roots"}) {
    auto object = nlohmann::json::parse(to_json(sample()));
    object.erase(name);
    EXPECT_FALSE(parse_spec(object.dump())) << name;
  }
  const struct {
    const char* pointer;
    nlohmann::json value;
  } cases[] = {{"/search/beam", 0},
               {"/search/beam", 2.5},
               {"/search/beam", "3"},
               {"/blur/blur_threshold", -1},
               {"/blur/mode", "guess"},
               {"/limits/pixels_max", 0},
               {"/lease/lease_ms", 1},
               {"/search/unheard_of", true},
               {"/roots", {1, 2}},
               {"/search/beam", 4'294'967'299},
               {"/model_hash", std::string(65, 'a')},
               {"/search", 3},
               {"/near_duplicates", {{"a", 1}}},
               {"/remembers", 1},
               {"/search.beam", 3},
               {"/unheard_of", {{"beam", 3}}}};
  for (const auto& one : cases) {
    auto object = nlohmann::json::parse(to_json(sample()));
    object[nlohmann::json::json_pointer(one.pointer)] = one.value;
    EXPECT_FALSE(parse_spec(object.dump())) << one.pointer << " = " << one.value;
  }
  EXPECT_FALSE(parse_spec("[1,2]"));
  EXPECT_FALSE(parse_spec("{"));
}

// What 0.1's programs write and read, byte by byte: both ends of a fleet may be of either version.
TEST(Spec, IsWrittenAsEarlierVersionsDid) {
  RunSpec spec;
  spec.run = "summer";
  spec.settings.model_hash = std::string(64, 'a');
  spec.settings.search = {5, 0.5, 17};
  spec.settings.blur = {BlurMode::tile_max, 87.5, 640, 128};
  spec.settings.limits.pixels_max = 1'000'000;
  spec.settings.limits.file_bytes_max = 2'000'000;
  spec.settings.limits.image_timeout_s = 30;
  spec.settings.near_duplicates = 6;
  spec.lease = {20'000, 2'000, 2};
  spec.remembers = false;
  spec.roots = {"photos", "sc\xc3\xa4ns"};
  const std::string hash(64, 'a');

  EXPECT_EQ(
      to_json(spec),
      R"({"blur":{"blur_threshold":87.5,"mode":"tile_max","normalised_side_px":640,"tile_px":128},)"
      R"("lease":{"beat_ms":2000,"lease_ms":20000,"max_deliveries":2},)"
      R"("limits":{"file_bytes_max":2000000,"image_timeout_s":30,"pixels_max":1000000},)"
      R"("model_hash":")" +
          hash +
          R"(","near_duplicates":6,"preprocessing_version":1,"protocol_version":4,)"
          R"("remembers":false,"roots":["photos","scäns"],"run":"summer",)"
          R"("search":{"beam":5,"length_alpha":0.5,"tokens_max":17}})");
  EXPECT_EQ(
      to_json(RunSpec()),
      R"({"blur":{"blur_threshold":100.0,"mode":"full","normalised_side_px":512,"tile_px":256},)"
      R"("lease":{"beat_ms":3000,"lease_ms":30000,"max_deliveries":3},)"
      R"("limits":{"file_bytes_max":1073741824,"image_timeout_s":60,"pixels_max":256000000},)"
      R"("model_hash":"","near_duplicates":0,"preprocessing_version":1,"protocol_version":4,)"
      R"("remembers":true,"roots":[],"run":"",)"
      R"("search":{"beam":3,"length_alpha":0.7,"tokens_max":22}})");
  EXPECT_EQ(*parse_spec(to_json(spec)), spec);
}

TEST(Spec, TellsWorkersNothingOfTheSchedulersOwn) {
  RunSpec told = sample();
  told.settings.model_name = "fast";
  told.settings.confidence = ConfidenceModel();
  told.settings.min_confidence = 0.5;

  EXPECT_EQ(to_json(told), to_json(sample()));
  EXPECT_EQ(told, sample());
  auto object = nlohmann::json::parse(to_json(sample()));
  object["min_confidence"] = 0.5;
  EXPECT_FALSE(parse_spec(object.dump()));
}

// Workers of an earlier version serve runs that make no use of it, and refuse the others.
TEST(Spec, NamesASettingThatEarlierVersionsDoNotKnowOnlyWhereItIsUsed) {
  RunSpec strict = sample();
  strict.settings.min_concept_probability = 0.25;

  EXPECT_FALSE(nlohmann::json::parse(to_json(sample())).contains("min_concept_probability"));
  EXPECT_EQ(nlohmann::json::parse(to_json(strict))["min_concept_probability"], 0.25);
  EXPECT_EQ(parse_spec(to_json(strict))->settings.min_concept_probability, 0.25);
  RunSpec looks = sample();
  looks.settings.search.alternatives = 3;
  looks.settings.search.attention = 1;
  EXPECT_FALSE(nlohmann::json::parse(to_json(sample()))["search"].contains("alternatives"));
  EXPECT_EQ(parse_spec(to_json(looks))->settings.search, looks.settings.search);
  auto object = nlohmann::json::parse(to_json(strict));
  object["min_concept_probability"] = 1.5;
  EXPECT_FALSE(parse_spec(object.dump()));
}

}  // namespace
}  // namespace photoscribe
