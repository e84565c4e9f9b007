// What is an archive, and what its members are called.
#include "common/archive/archive_kind.h"

#include <gtest/gtest.h>

#include "common/archive/member_name.h"
#include "common/core/file_descriptor.h"
#include "tests/support/make_archive.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

ArchiveKind kind_of(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return archive_kind_of(file.get());
}

TEST(ArchiveKind, IsToldByTheFirstBytes) {
  const test::TempDir folder;
  for (const test::MadeAs as : test::kMadeAs) {
    const std::string path = folder.file("a");
    test::make_archive(path, as, {{"a.jpg", "x"}});
    const ArchiveKind expected = as == test::MadeAs::tar          ? ArchiveKind::tar
                                 : as >= test::MadeAs::zip_stored ? ArchiveKind::zip
                                                                  : ArchiveKind::packed_tar;
    EXPECT_EQ(kind_of(path), expected) << static_cast<int>(as);
  }
  EXPECT_EQ(kind_of(folder.write("b", std::string(600, '\0'))), ArchiveKind::none);
  EXPECT_EQ(kind_of(folder.write("b", "\xff\xd8\xff\xe0 a photo")), ArchiveKind::none);
  EXPECT_EQ(kind_of(folder.write("b", "")), ArchiveKind::none);
}

TEST(ArchiveKind, IsToldOfATarOfBeforePosixByItsChecksum) {
  const test::TempDir folder;
  std::string header(512, '\0');
  header.replace(0, 5, "a.jpg");
  header.replace(124, 11, "00000000001");
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char digits[8];
  snprintf(digits, sizeof digits, "%06o", sum);
  header.replace(148, 6, digits, 6);
  EXPECT_EQ(kind_of(folder.write("old", header)), ArchiveKind::tar);
  header[0] = 'b';
  EXPECT_EQ(kind_of(folder.write("old", header)), ArchiveKind::none);
}

TEST(ArchiveKind, HasExtensions) {
  for (const char* name : {"a.tar", "A.TAR", "a.zip", "a.tgz", "a.tar.gz", "a.b.tar.zst", "a.tbz2"})
    EXPECT_TRUE(has_archive_extension(name)) << name;
  for (const char* name : {"a.jpg", "tar", ".tar", "a.gz", "a.tar.jpg", ""})
    EXPECT_FALSE(has_archive_extension(name)) << name;
}

TEST(MemberName, ThatLeadsOutIsUnsafe) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "/etc/a.jpg"sv, "../a.jpg"sv, "a/../../b.jpg"sv, "a/.."sv, "C:/a.jpg"sv,
        "c:\\a.jpg"sv, "\\\\host\\a.jpg"sv, "a\\..\\b.jpg"sv, "a\0b.jpg"sv})
    EXPECT_TRUE(is_unsafe_name(name)) << name;
  for (const std::string_view name :
       {"a.jpg"sv, "a/b.jpg"sv, "..a.jpg"sv, "a..jpg"sv, "a/...jpg"sv, "a\xff.jpg"sv, "c:a.jpg"sv})
    EXPECT_FALSE(is_unsafe_name(name)) << name;
}

TEST(MemberName, IsPlainAndPerhapsNumbered) {
  EXPECT_EQ(plain_name("./a/b.jpg"), "a/b.jpg");
  EXPECT_EQ(plain_name(".//./a.jpg"), "a.jpg");
  EXPECT_EQ(plain_name("/a.jpg"), "/a.jpg") << "still unsafe";
  EXPECT_TRUE(is_member_named("a.jpg", "./a.jpg"));
  EXPECT_TRUE(is_member_named("a.jpg#2", "a.jpg"));
  EXPECT_TRUE(is_member_named("a#2", "a#2"));
  EXPECT_FALSE(is_member_named("a.jpg#x", "a.jpg"));
  EXPECT_FALSE(is_member_named("a.jpg", "b.jpg"));
  EXPECT_TRUE(is_hidden_name("__MACOSX/._a.jpg"));
  EXPECT_TRUE(is_hidden_name("a/.b/c.jpg"));
  EXPECT_FALSE(is_hidden_name("../a.jpg")) << "unsafe, and a row that says so";
}

}  // namespace
}  // namespace photoscribe
