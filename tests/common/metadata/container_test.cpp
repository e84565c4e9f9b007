// Text put into photos: all that is not the text stays.
#include "common/metadata/container.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "common/metadata/iptc.h"
#include "common/metadata/xmp.h"

namespace photoscribe::metadata {
namespace {

std::string photo(const std::string& name) {
  std::ifstream in(PHOTOSCRIBE_SOURCE_DIR "/tests/data/photos/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

FileMetadata must_read(const std::string& bytes) {
  TextBytes file(bytes);
  auto found = read_metadata(file);
  EXPECT_TRUE(found) << found.error().message;
  return found.value_or(FileMetadata{});
}

std::string with_packet(const std::string& bytes, const std::string& packet) {
  TextBytes file(bytes);
  const auto edits = with_xmp(file, must_read(bytes), packet);
  EXPECT_TRUE(edits) << edits.error().message;
  const std::string out = edited(bytes, edits.value_or(Edits{}));
  // Only what the edits name has changed.
  std::uint64_t removed = 0, inserted = 0;
  for (const Edit& one : *edits) removed += one.removed, inserted += one.inserted.size();
  EXPECT_EQ(out.size(), bytes.size() - removed + inserted);
  return out;
}

std::string trimmed(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

class Containers : public testing::TestWithParam<const char*> {};

TEST_P(Containers, TakeAPacketAndAnother) {
  const std::string before = photo(GetParam());
  ASSERT_FALSE(before.empty());
  EXPECT_FALSE(must_read(before).xmp);
  const std::string first = with_packet(before, "<a>one packet</a>");
  ASSERT_TRUE(must_read(first).xmp);
  EXPECT_EQ(trimmed(must_read(first).xmp->bytes), "<a>one packet</a>");
  for (const std::string& packet :
       {std::string("<a>shorter</a>"), std::string("<a>odd length!</a>"),
        "<a>" + std::string(5000, 'x') + "</a>"}) {
    const std::string next = with_packet(first, packet);
    EXPECT_EQ(trimmed(must_read(next).xmp->bytes), packet);
  }
}

TEST_P(Containers, CutAnywhereIsRefusedOrRead) {
  const std::string whole = with_packet(photo(GetParam()), "<a>one packet</a>");
  const std::size_t step = std::max<std::size_t>(1, whole.size() / 400);
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); size += step) {
    const std::string cut = whole.substr(0, size);
    TextBytes file(cut);
    const auto found = read_metadata(file);
    refused += found ? 0 : 1;
    if (found) (void)with_xmp(file, *found, "<b/>");
  }
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Photos, Containers,
                         testing::Values("street.jpg", "street_progressive.jpg",
                                         "street_on_its_side.jpg", "street.png",
                                         "street_palette.png", "meadow.webp",
                                         "street_lossless.webp", "street.tif", "meadow_gray.tif"));

TEST(Containers, JpegKeepsBrokenExifCommentsAndWhatFollows) {
  const std::string before = photo("street.jpg");
  using namespace std::string_literals;
  const std::string broken_exif = "\xff\xe1\0\x12"s + "Exif\0\0"s + "II*\0\xff\xff\0\0xy"s;
  const std::string comments = "\xff\xfe\0\x07hello\xff\xfe\0\x07world"s;
  std::string bytes = before.substr(0, 2) + broken_exif + comments + before.substr(2) + "trailer";
  const std::string after = with_packet(bytes, "<a/>");
  const FileMetadata found = must_read(after);
  ASSERT_TRUE(found.xmp);
  EXPECT_EQ(found.xmp->offset, 2 + broken_exif.size());  // behind EXIF
  std::string without = after;
  without.erase(found.xmp->offset, found.xmp->size);
  EXPECT_EQ(without, bytes);
}

TEST(Containers, TiffOfManyPagesKeepsThemAll) {
  using namespace std::string_literals;
  std::string bytes = "II*\0\0\0\0\0"s;
  std::size_t link = 4;
  for (int page = 0; page < 9; ++page) {
    const std::size_t at = bytes.size();
    for (std::size_t i = 0; i < 4; ++i)
      bytes[link + i] = number_bytes(static_cast<std::uint32_t>(at), 4, true)[i];
    bytes += "\x01\0\0\x01\x03\0\x01\0\0\0"s + static_cast<char>(page) + "\0\0\0"s;
    link = bytes.size();
    bytes += "\0\0\0\0"s;
  }
  const std::string after = with_packet(bytes, "<a/>");
  std::size_t pages = 0;
  for (std::size_t at = number_at(after, 4, 4, true); at != 0; ++pages) {
    const std::size_t tags = number_at(after, at, 2, true);
    at = number_at(after, at + 2 + tags * 12, 4, true);
  }
  EXPECT_EQ(pages, 9U);
  EXPECT_EQ(after.substr(8, bytes.size() - 8), bytes.substr(8));
}

TEST(Containers, ACamerasDescriptionIsNobodysWords) {
  EXPECT_EQ(human_description(std::string("OLYMPUS DIGITAL CAMERA         \0", 32)), "");
  EXPECT_EQ(human_description("          "), "");
  EXPECT_EQ(human_description("Rex at Skye "), "Rex at Skye");
}

TEST(Containers, IptcGoesIntoJpegAlone) {
  const std::string before = photo("street.jpg");
  const auto merged = merge_iptc("", "a dog", {});
  const auto edits = with_resources(must_read(before), merged->resources);
  ASSERT_TRUE(edits);
  const std::string after = edited(before, *edits);
  ASSERT_TRUE(must_read(after).iptc);
  EXPECT_EQ(read_iptc(must_read(after).iptc->bytes).caption, "a dog");
  EXPECT_FALSE(with_resources(must_read(photo("street.png")), merged->resources));
}

TEST(Containers, OthersAreNamed) {
  const FileMetadata bmp = must_read(photo("street.bmp"));
  EXPECT_EQ(bmp.container, Container::other);
  const std::string bytes = photo("street.bmp");
  TextBytes file(bytes);
  EXPECT_FALSE(with_xmp(file, bmp, "<a/>"));
}

}  // namespace
}  // namespace photoscribe::metadata
