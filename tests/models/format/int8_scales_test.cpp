// The file of scales for int8: the round trip, and every way in which it can be bad.
#include "models/format/int8_scales.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "models/format/safetensors.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Int8ScalesFile : public testing::Test {
 protected:
  std::string folder() const { return folder_.file("."); }
  std::string path() const { return folder() + "/" + kInt8File; }

  std::string bytes() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string refusal() const {
    const auto read = read_int8_scales(folder(), "hash");
    if (read) return "read";
    EXPECT_EQ(read.error().code, Errc::model_failure);
    EXPECT_THAT(read.error().message,
                AllOf(HasSubstr(kInt8File), HasSubstr("photoscribe-train quantize")));
    return read.error().message;
  }

  const Int8Scales scales_{{{"features.0.0", 0.0235294F}, {"features.1.conv.1", 1e-20F}}, 0.02F};
  test::TempDir folder_;
};

TEST_F(Int8ScalesFile, IsReadAsItWasWritten) {
  ASSERT_TRUE(write_int8_scales(folder(), "hash", scales_));
  const auto read = read_int8_scales(folder(), "hash");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->by_layer, scales_.by_layer);
  EXPECT_EQ(read->photos, scales_.photos);
}

TEST_F(Int8ScalesFile, NoFileIsNoScales) {
  const auto read = read_int8_scales(folder(), "hash");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->empty());
}

TEST_F(Int8ScalesFile, OfOtherWeightsIsRefused) {
  ASSERT_TRUE(write_int8_scales(folder(), "another", scales_));
  EXPECT_THAT(refusal(), HasSubstr("other weights"));
}

TEST_F(Int8ScalesFile, AFlippedBitInAnyByteIsNoticed) {
  ASSERT_TRUE(write_int8_scales(folder(), "hash", scales_));
  const std::string good = bytes();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    put(bad);
    const auto read = read_int8_scales(folder(), "hash");
    // Only spaces around the header's JSON may change without a difference.
    if (read) {
      EXPECT_EQ(read->by_layer, scales_.by_layer) << "byte " << i;
      EXPECT_EQ(read->photos, scales_.photos) << "byte " << i;
    }
  }
}

TEST_F(Int8ScalesFile, AShorterFileIsRefused) {
  ASSERT_TRUE(write_int8_scales(folder(), "hash", scales_));
  const std::string good = bytes();
  for (std::size_t size = 0; size < good.size(); size += 7) {
    put(good.substr(0, size));
    EXPECT_NE(refusal(), "read") << size << " bytes";
  }
}

TEST_F(Int8ScalesFile, NumbersThatAreNoScalesAreRefused) {
  const std::array<float, 4> bad{0, -1, std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::quiet_NaN()};
  for (const float number : bad) {
    Int8Scales scales = scales_;
    scales.by_layer["features.0.0"] = number;
    ASSERT_TRUE(write_int8_scales(folder(), "hash", scales));
    EXPECT_THAT(refusal(), AllOf(HasSubstr("features.0.0"), HasSubstr("above zero")));
  }
}

TEST_F(Int8ScalesFile, AnotherKindOfFileIsRefused) {
  const std::array<float, 2> two{1, 2};
  ASSERT_TRUE(write_safetensors(
      path(), {{"a", {ElementType::f32, {2}, std::as_bytes(std::span(two))}}}, {}));
  EXPECT_THAT(refusal(), HasSubstr("not a file of scales"));
}

}  // namespace
}  // namespace photoscribe
