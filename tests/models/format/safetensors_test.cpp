#include "models/format/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;

class Safetensors : public testing::Test {
 protected:
  std::string path() const { return folder_.file("weights.safetensors"); }

  /// A file of this header and this many data bytes.
  void write(const std::string& header, std::size_t data_bytes, std::uint64_t header_bytes = 0) {
    std::ofstream file(path(), std::ios::binary | std::ios::trunc);
    const std::uint64_t stated = header_bytes != 0 ? header_bytes : header.size();
    file.write(reinterpret_cast<const char*>(&stated), sizeof stated);
    file << header << std::string(data_bytes, '\1');
  }
  /// The error of opening it.
  std::string refusal() {
    const auto file = SafetensorsFile::open(path());
    if (file) return "opened";
    EXPECT_EQ(file.error().code, Errc::model_failure);
    return file.error().message;
  }

  test::TempDir folder_;
};

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& range) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + range + "}";
}

TEST_F(Safetensors, ReadsBackWhatItWrote) {
  const std::array<float, 6> floats{1, -2, 3.5F, 0, 1e-30F, 7};
  const std::array<std::int64_t, 1> whole{-5};
  const std::map<std::string, ArrayView> arrays{
      {"b", {ElementType::f32, {2, 3}, std::as_bytes(std::span(floats))}},
      {"a.scalar", {ElementType::i64, {}, std::as_bytes(std::span(whole))}},
      {"empty", {ElementType::f16, {0, 4}, {}}}};
  ASSERT_TRUE(write_safetensors(path(), arrays, {{"note", "a \"quoted\" line"}}));

  const auto file = SafetensorsFile::open(path());
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->metadata().at("note"), "a \"quoted\" line");
  ASSERT_EQ(file->arrays().size(), 3U);
  const ArrayView& b = file->arrays().at("b");
  EXPECT_EQ(b.type, ElementType::f32);
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(b.bytes.size(), sizeof floats);
  EXPECT_EQ(std::memcmp(b.bytes.data(), floats.data(), sizeof floats), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.bytes.data()) % 4, 0U);
  EXPECT_EQ(file->arrays().at("a.scalar").shape.size(), 0U);
  EXPECT_EQ(file->arrays().at("empty").bytes.size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(path() + ".partial"));
}

TEST_F(Safetensors, RefusesToWriteAnArrayThatItsShapeDoesNotFill) {
  const std::array<float, 2> floats{};
  const auto status =
      write_safetensors(path(), {{"x", {ElementType::f32, {3}, std::as_bytes(std::span(floats))}}});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("'x'"));
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Safetensors, NamesTheFileThatIsNotThere) { EXPECT_THAT(refusal(), HasSubstr(path())); }

TEST_F(Safetensors, RefusesHeadersThatLieAboutTheirLength) {
  write("{}", 0, 1'000);
  EXPECT_THAT(refusal(), HasSubstr("header is longer"));
  write("{}", 0, std::uint64_t{0} - 8);
  EXPECT_THAT(refusal(), HasSubstr("header is longer"));
  std::ofstream(path(), std::ios::trunc) << "short";
  EXPECT_THAT(refusal(), HasSubstr("too short"));
}

TEST_F(Safetensors, RefusesHeadersThatAreNoHeader) {
  for (const std::string header : {"", "[]", "{", "{\"x\":3}", "{\"x\":{}}", "null", "\xff\xfe"}) {
    write(header, 0, header.empty() ? 0 : header.size());
    EXPECT_NE(refusal(), "opened") << header;
  }
  write(std::string(5'000, '['), 0);
  EXPECT_THAT(refusal(), HasSubstr("lacks '{'"));
  const std::string x = entry("x", "F32", "[]", "[0,4]");
  write("{" + x + "," + x + "}", 4);
  EXPECT_THAT(refusal(), HasSubstr("names 'x' twice"));
  write(R"({"__metadata__":{"a":"1","a":"2"},)" + x + "}", 4);
  EXPECT_THAT(refusal(), HasSubstr("has 'a' twice"));
  for (const char* half : {R"({"\ud83d":{}})", R"({"\udc00":{}})", R"({"\ud83d\u0041":{}})"}) {
    write(half, 0);
    EXPECT_THAT(refusal(), HasSubstr("half a character")) << half;
  }
  write("{" + x + "} {}", 4);
  EXPECT_THAT(refusal(), HasSubstr("continues after"));
}

TEST_F(Safetensors, RefusesArraysOutsideTheFile) {
  write("{" + entry("x", "F32", "[4]", "[0,16]") + "}", 15);
  EXPECT_THAT(refusal(), HasSubstr("outside the file"));
  write("{" + entry("x", "F32", "[4]", "[16,0]") + "}", 16);
  EXPECT_THAT(refusal(), HasSubstr("outside the file"));
  write("{" + entry("x", "F32", "[4]", "[-16,0]") + "}", 16);
  EXPECT_THAT(refusal(), HasSubstr("whole number"));
}

TEST_F(Safetensors, RefusesShapesThatAreNotTheirRangesSize) {
  write("{" + entry("x", "F32", "[3]", "[0,16]") + "}", 16);
  EXPECT_THAT(refusal(), HasSubstr("does not fill its range"));
  // 2^33 * 2^31 elements of four bytes are 2^66 bytes: zero without a check.
  write("{" + entry("x", "F32", "[8589934592,2147483648]", "[0,0]") + "}", 0);
  EXPECT_THAT(refusal(), HasSubstr("larger than the file"));
  write("{" + entry("x", "F32", "[1e2]", "[0,16]") + "}", 16);
  EXPECT_THAT(refusal(), HasSubstr("whole number"));
}

TEST_F(Safetensors, RefusesOverlapsHolesAndWhatIsLeftOver) {
  const std::string a = entry("a", "F32", "[2]", "[0,8]");
  write("{" + a + "," + entry("b", "F32", "[2]", "[4,12]") + "}", 12);
  EXPECT_THAT(refusal(), HasSubstr("overlaps"));
  write("{" + a + "," + entry("b", "F32", "[2]", "[12,20]") + "}", 20);
  EXPECT_THAT(refusal(), HasSubstr("hole"));
  write("{" + a + "}", 9);
  EXPECT_THAT(refusal(), HasSubstr("describes 8"));
}

TEST_F(Safetensors, RefusesUnknownTypesAndFields) {
  write("{" + entry("x", "F8_E4M3", "[4]", "[0,4]") + "}", 4);
  EXPECT_THAT(refusal(), HasSubstr("F8_E4M3"));
  write(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4);
  EXPECT_THAT(refusal(), HasSubstr("unknown field"));
}

}  // namespace
}  // namespace photoscribe
