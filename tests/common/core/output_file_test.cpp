// An output never replaces what it is not: devices, pipes, links, and what an existing file is.
#include "common/core/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

class Output : public ::testing::Test {
 protected:
  static Status put(const std::string& file, const std::string& text) {
    const auto out = OutputFile::open(file);
    if (!out) return fail(out.error());
    if (Status added = (*out)->add(text); !added) return added;
    return (*out)->finish();
  }
  static std::string bytes(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static struct stat node(const std::string& file) {
    struct stat info {};
    EXPECT_EQ(::lstat(file.c_str(), &info), 0) << file;
    return info;
  }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  }
  test::TempDir folder_;
};

TEST_F(Output, IsWrittenToADeviceThatStaysOne) {
  const std::string null = folder_.file("null");
  if (::mknod(null.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) GTEST_SKIP() << "needs root";

  EXPECT_TRUE(put(null, "lost"));

  EXPECT_TRUE(S_ISCHR(node(null).st_mode));
  EXPECT_EQ(files(), 1);
}

TEST_F(Output, FailsOnADeviceThatIsFull) {
  const Status full = put("/dev/full", std::string(200'000, 'x'));

  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().message, "/dev/full: No space left on device");
}

TEST_F(Output, IsReadFromAPipeThatStaysOne) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);

  EXPECT_TRUE(put(pipe, "through"));

  char got[16] = {};
  EXPECT_EQ(::read(reader, got, sizeof got), 7);
  EXPECT_STREQ(got, "through");
  EXPECT_TRUE(S_ISFIFO(node(pipe).st_mode));
  ::close(reader);
}

TEST_F(Output, GoesOnWhereADescriptorStands) {
  const int file = ::open(folder_.file("log").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::write(file, "head ", 5), 5);
  fs::create_symlink("/dev/fd/" + std::to_string(file), folder_.file("link"));

  EXPECT_TRUE(put("/dev/fd/" + std::to_string(file), "one "));
  EXPECT_TRUE(put("/proc/self/fd/" + std::to_string(file), "two "));
  EXPECT_TRUE(put(folder_.file("link"), "three"));

  EXPECT_EQ(bytes(folder_.file("log")), "head one two three");
  ::close(file);
}

TEST_F(Output, NeverTakesADescriptorThatTheProgramOpenedItself) {
  const int own = ::open(folder_.file("own.db").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  EXPECT_FALSE(put("/dev/fd/" + std::to_string(own), "x"));
  EXPECT_FALSE(put("/dev/fd/900", "x"));

  EXPECT_EQ(bytes(folder_.file("own.db")), "");
  ::close(own);
}

TEST_F(Output, GoesThroughLinksToTheirTarget) {
  fs::create_directory(folder_.file("sub"));
  folder_.write("sub/old", "old");
  fs::create_symlink("sub/old", folder_.file("link"));
  fs::create_symlink("link", folder_.file("link2"));
  fs::create_symlink("sub/new", folder_.file("dangling"));

  EXPECT_TRUE(put(folder_.file("link2"), "written"));
  EXPECT_TRUE(put(folder_.file("dangling"), "made"));

  EXPECT_EQ(bytes(folder_.file("sub/old")), "written");
  EXPECT_EQ(bytes(folder_.file("sub/new")), "made");
  for (const char* link : {"link", "link2", "dangling"})
    EXPECT_TRUE(S_ISLNK(node(folder_.file(link)).st_mode)) << link;
}

TEST_F(Output, SaysThatLinksLeadInACircle) {
  fs::create_symlink("b", folder_.file("a"));
  fs::create_symlink("a", folder_.file("b"));

  EXPECT_EQ(put(folder_.file("a"), "x").error().code, Errc::environment);
}

TEST_F(Output, KeepsModeAndOwnerOfAnExistingFile) {
  const std::string file = folder_.write("captions.csv", "old");
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(root ? ::chown(file.c_str(), 1234, 4321) : 0, 0);

  EXPECT_TRUE(put(file, "new"));

  EXPECT_EQ(bytes(file), "new");
  EXPECT_EQ(node(file).st_mode & 07777, 0640U);
  EXPECT_EQ(node(file).st_uid, root ? 1234U : ::getuid());
  EXPECT_EQ(node(file).st_gid, root ? 4321U : ::getgid());
  EXPECT_EQ(files(), 1);
}

TEST_F(Output, KeepsTheOtherNamesOfAFile) {
  const std::string file = folder_.write("a", "a longer text of before");
  ASSERT_EQ(::link(file.c_str(), folder_.file("b").c_str()), 0);

  EXPECT_TRUE(put(file, "new"));

  EXPECT_EQ(bytes(folder_.file("b")), "new");
  EXPECT_EQ(node(file).st_nlink, 2U);
  EXPECT_EQ(files(), 2);
}

/// What a user without privileges gets: in a child, which is one.
TEST_F(Output, WritesAFileOfOthersInPlaceAndLeavesOnesThatItMayNotWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string shared = folder_.write("shared", "old"), other = folder_.write("other", "old");
  ASSERT_EQ(::chmod(shared.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);  // nothing can be made beside them
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped = ::setgid(65534) == 0 && ::setuid(65534) == 0;
    ::_exit(dropped && put(shared, "new") && !put(other, "new") ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);

  EXPECT_EQ(status, 0);
  EXPECT_EQ(bytes(shared), "new");
  EXPECT_EQ(node(shared).st_uid, 0U);
  EXPECT_EQ(bytes(other), "old");
}

TEST_F(Output, LeavesTheOldTextUntilTheNewOneIsWhole) {
  const std::string file = folder_.write("report.html", "old");
  {
    const auto out = OutputFile::open(file);
    ASSERT_TRUE(out);
    EXPECT_TRUE((*out)->add(std::string(200'000, 'x')));
    EXPECT_EQ(bytes(file), "old");
  }
  EXPECT_EQ(bytes(file), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(Output, IsNoFolder) {
  EXPECT_EQ(put(folder_.path().string(), "x").error().message,
            folder_.path().string() + ": Is a directory");
}

}  // namespace
}  // namespace photoscribe
