#include "common/core/spec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace photoscribe {
namespace {

RunSpec sample() {
  RunSpec spec;
  spec.run = "summer";
  spec.model_hash = std::string(64, 'a');
  spec.search.beam = 5;
  spec.blur.mode = BlurMode::tile_max;
  spec.blur.blur_threshold = 87.5;
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
  } cases[] = {
      {"/search/beam", 0},          {"/search/beam", 2.5},        {"/search/beam", "3"},
      {"/blur/blur_threshold", -1}, {"/blur/mode", "guess"},      {"/limits/pixels_max", 0},
      {"/lease/lease_ms", 1},       {"/search/unheard_of", true}, {"/roots", {1, 2}}};
  for (const auto& one : cases) {
    auto object = nlohmann::json::parse(to_json(sample()));
    object[nlohmann::json::json_pointer(one.pointer)] = one.value;
    EXPECT_FALSE(parse_spec(object.dump())) << one.pointer << " = " << one.value;
  }
  EXPECT_FALSE(parse_spec("[1,2]"));
  EXPECT_FALSE(parse_spec("{"));
}

}  // namespace
}  // namespace photoscribe
