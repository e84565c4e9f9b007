// The directory of real zips, and of damaged ones.
#include "common/archive/zip_directory.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/support/make_archive.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

ReadAt read_from(const std::string& bytes) {
  return [&bytes](std::int64_t offset, std::span<std::uint8_t> into) {
    const auto at = std::min<std::size_t>(static_cast<std::size_t>(offset), bytes.size());
    const std::size_t count = std::min(into.size(), bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
    return tl::expected<std::size_t, int>(count);
  };
}

struct Listed {
  std::vector<ZipMember> members;
  std::string damage;
};

Listed list(const std::string& bytes) {
  Listed listed;
  auto directory = ZipDirectory::open(read_from(bytes), static_cast<std::int64_t>(bytes.size()));
  if (!directory) return {{}, directory.error().what};
  for (;;) {
    auto member = directory->next();
    if (!member) {
      listed.damage = member.error().what;
      return listed;
    }
    if (!*member) return listed;
    listed.members.push_back(std::move(**member));
  }
}

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
}

class Zip : public ::testing::Test {
 protected:
  std::string make(test::MadeAs as = test::MadeAs::zip_deflated) const {
    using Kind = test::MadeMember::Kind;
    test::make_archive(folder_.file("a.zip"), as,
                       {{"2019", "", Kind::folder},
                        {"2019/a.jpg", std::string(5000, 'a')},
                        {"b.jpg", "bytes"},
                        {"link.jpg", "", Kind::link, "b.jpg"}});
    return bytes_of(folder_.file("a.zip"));
  }
  test::TempDir folder_;
};

TEST_F(Zip, ListsItsMembers) {
  const std::string bytes = make();
  const Listed listed = list(bytes);

  EXPECT_EQ(listed.damage, "");
  ASSERT_EQ(listed.members.size(), 4U);
  EXPECT_TRUE(listed.members[0].is_folder());
  EXPECT_EQ(listed.members[1].name, "2019/a.jpg");
  EXPECT_EQ(listed.members[1].size_bytes, 5000);
  EXPECT_LT(listed.members[1].packed_bytes, 500);
  EXPECT_EQ(listed.members[1].method, 8);
  EXPECT_TRUE(listed.members[3].is_link());
  EXPECT_FALSE(listed.members[1].is_link() || listed.members[1].is_folder());

  const auto size = static_cast<std::int64_t>(bytes.size());
  for (const ZipMember& member : listed.members) {
    const auto again = zip_member_at(read_from(bytes), size, member.offset);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->name, member.name);
    EXPECT_EQ(again->crc32, member.crc32);
    EXPECT_TRUE(zip_data_offset(read_from(bytes), size, *again));
    EXPECT_FALSE(zip_member_at(read_from(bytes), size, member.offset + 1));
  }
}

TEST_F(Zip, TellsWhatIsEncrypted) {
  const Listed listed = list(make(test::MadeAs::zip_encrypted));
  ASSERT_EQ(listed.members.size(), 4U);
  EXPECT_TRUE(listed.members[1].encrypted);
}

TEST_F(Zip, MayHaveACommentAndAMarkInIt) {
  std::string bytes = make();
  put(bytes, bytes.size() - 2, 30, 2);
  bytes += "PK\x05\x06" + std::string(26, 'x');  // a mark whose comment leads nowhere
  EXPECT_EQ(list(bytes).members.size(), 4U);
}

TEST_F(Zip, MayBeOfZip64) {
  // The same directory by a record of zip64, as of an archive with too many members.
  std::string bytes = make();
  const std::size_t end = bytes.size() - 22;
  std::string record("PK\x06\x06", 4);
  record.resize(56);
  put(record, 4, 44, 8);
  put(record, 32, 4, 8);
  for (std::size_t i = 0; i < 4; ++i) record[40 + i] = bytes[end + 12 + i];
  for (std::size_t i = 0; i < 4; ++i) record[48 + i] = bytes[end + 16 + i];
  std::string locator("PK\x06\x07", 4);
  locator.resize(20);
  put(locator, 8, end, 8);
  put(locator, 16, 1, 4);
  std::string tail = bytes.substr(end);
  put(tail, 8, 0xffff, 2);
  put(tail, 10, 0xffff, 2);
  put(tail, 12, 0xffffffff, 4);
  put(tail, 16, 0xffffffff, 4);
  const std::string whole = bytes.substr(0, end) + record + locator + tail;

  const Listed listed = list(whole);
  EXPECT_EQ(listed.damage, "");
  EXPECT_EQ(listed.members.size(), 4U);

  std::string wrong = whole;
  put(wrong, end + 48, 1ULL << 62, 8);
  EXPECT_THAT(list(wrong).damage, HasSubstr("zip64"));
}

TEST_F(Zip, CutAnywhereIsNamed) {
  const std::string bytes = make();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Listed listed = list(bytes.substr(0, size));
    EXPECT_TRUE(listed.members.empty()) << size;
    EXPECT_NE(listed.damage, "") << size;
  }
}

TEST_F(Zip, WithAnyByteChangedIsListedOrNamed) {
  const std::string bytes = make();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const Listed listed = list(damaged);
      for (const ZipMember& member : listed.members) {
        EXPECT_LE(member.local_offset + member.packed_bytes,
                  static_cast<std::int64_t>(bytes.size()));
        (void)zip_data_offset(read_from(damaged), static_cast<std::int64_t>(bytes.size()), member);
      }
    }
  }
}

TEST_F(Zip, WhoseMembersOverlapIsABomb) {
  // Each header of the directory leads to the same bytes.
  const std::string name(1, 'a');
  const std::string packed(10'000, 'x');
  std::string bytes("PK\x03\x04", 4);
  bytes.resize(30);
  put(bytes, 26, 1, 2);
  bytes += name + packed;
  const std::size_t directory = bytes.size();
  std::string header("PK\x01\x02", 4);
  header.resize(46);
  put(header, 20, packed.size(), 4);
  put(header, 24, 1'000'000'000, 4);
  put(header, 28, 1, 2);
  for (int i = 0; i < 100; ++i) bytes += header + name;
  std::string end("PK\x05\x06", 4);
  end.resize(22);
  put(end, 8, 100, 2);
  put(end, 10, 100, 2);
  put(end, 12, bytes.size() - directory, 4);
  put(end, 16, directory, 4);
  bytes += end;

  EXPECT_THAT(list(bytes).damage, HasSubstr("bomb"));
}

TEST_F(Zip, BehindOtherBytesIsNamed) {
  EXPECT_THAT(list(std::string(100, '#') + make()).damage, HasSubstr("in front"));
}

TEST_F(Zip, PassesAFailedReadOn) {
  const std::string bytes = make();
  const auto read = [](std::int64_t, std::span<std::uint8_t>) -> tl::expected<std::size_t, int> {
    return tl::unexpected(EIO);
  };
  const auto opened = ZipDirectory::open(read, static_cast<std::int64_t>(bytes.size()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().error, EIO);
}

}  // namespace
}  // namespace photoscribe
