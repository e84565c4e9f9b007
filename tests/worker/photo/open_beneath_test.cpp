#include "worker/photo/open_beneath.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "worker/photo/link_stores.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

/// What an attempt to open came to, as one word.
template <class T>
std::string word(const Opened<T>& opened) {
  if (opened) return "opened";
  if (opened.error().environment) return "environment";
  return std::string(to_string(opened.error().reason));
}

class OpenBeneath : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "photoscribe-open-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    fs::create_directories(base_ / "root/sub/deep");
    write("root/a.jpg", "a photo");
    write("root/sub/b.jpg", "another");
    write("secret", "not for you");
  }
  void TearDown() override { fs::remove_all(base_); }

  void write(const std::string& path, const std::string& bytes) {
    std::ofstream(base_ / path, std::ios::binary) << bytes;
  }
  void link(const std::string& target, const std::string& path) {
    ASSERT_EQ(symlink(target.c_str(), (base_ / path).c_str()), 0);
  }
  PhotoRoot root() {
    auto opened = PhotoRoot::open("photos", (base_ / "root").string());
    EXPECT_TRUE(opened) << opened.error().message;
    if (!stores_.empty()) {
      std::vector<std::string> places;
      for (const std::string& one : stores_)
        places.push_back((fs::canonical(base_) / one).string());
      opened->let_links_lead_to(std::make_shared<const LinkStores>(places));
    }
    return std::move(*opened);
  }
  /// The same answer by openat2 and by walking, or both of them.
  std::string open(const std::string& path) {
    const PhotoRoot here = root();
    const std::string kernel = word(here.open_file(path));
    const std::string walked = word(here.open_file_by_walking(path));
    return kernel == walked ? kernel : kernel + " but walking: " + walked;
  }
  std::string read(const std::string& path, std::int64_t bytes_max = 1000) {
    const PhotoRoot here = root();
    FileBuffer buffer;
    const auto bytes = buffer.read(here, path, bytes_max);
    if (!bytes) return "!" + word(bytes);
    return std::string(bytes->begin(), bytes->end());
  }

  fs::path base_;
  std::vector<std::string> stores_;  // where links may lead
};

TEST_F(OpenBeneath, ReadsFilesInTheRootAndBelow) {
  EXPECT_EQ(read("a.jpg"), "a photo");
  EXPECT_EQ(read("sub/b.jpg"), "another");
  EXPECT_EQ(read("./sub//deep/../b.jpg"), "another");
}

TEST_F(OpenBeneath, FollowsLinksThatStayBeneath) {
  link("sub/b.jpg", "root/file.jpg");
  link("../a.jpg", "root/sub/up.jpg");
  link("sub", "root/folder");
  link((base_ / "root/a.jpg").string(), "root/sub/absolute.jpg");

  EXPECT_EQ(read("file.jpg"), "another");
  EXPECT_EQ(read("sub/up.jpg"), "a photo");
  EXPECT_EQ(read("folder/b.jpg"), "another");
  EXPECT_EQ(read("sub/absolute.jpg"), "a photo");
}

TEST_F(OpenBeneath, RefusesEveryWayOut) {
  link("../secret", "root/out.jpg");
  link("/etc/passwd", "root/passwd.jpg");
  link("/etc", "root/etc");
  link("..", "root/parent");
  link((base_ / "root-not").string(), "root/prefix.jpg");  // begins like the root's name
  write("root-not", "neighbour");

  for (const std::string path :
       {"../secret", "sub/../../secret", "out.jpg", "passwd.jpg", "etc/passwd", "parent/secret",
        "prefix.jpg", "/etc/passwd", "sub/../../root/a.jpg"}) {
    EXPECT_EQ(open(path), "outside_root") << path;
  }
}

TEST_F(OpenBeneath, SaysMissingOnlyUnderALivingRoot) {
  link("nowhere", "root/dangling.jpg");
  link("/nonexistent/x.jpg", "root/absolute_dangling.jpg");
  EXPECT_EQ(open("none.jpg"), "missing");
  EXPECT_EQ(open("a.jpg/below"), "missing");
  EXPECT_EQ(open("dangling.jpg"), "missing");
  EXPECT_EQ(open("absolute_dangling.jpg"), "missing");

  const PhotoRoot here = root();
  fs::rename(base_ / "root", base_ / "away");
  EXPECT_EQ(word(here.open_file("a.jpg")), "environment");
  EXPECT_EQ(word(here.open_file("none.jpg")), "environment");
  EXPECT_FALSE(here.check());

  fs::rename(base_ / "away", base_ / "root");
  EXPECT_EQ(word(here.open_file("a.jpg")), "opened");
  EXPECT_TRUE(here.check());
}

TEST_F(OpenBeneath, NeverOpensWhatIsNotAFile) {
  ASSERT_EQ(mkfifo((base_ / "root/pipe.jpg").c_str(), 0600), 0);
  link("pipe.jpg", "root/to_pipe.jpg");
  const int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  (base_ / "root/socket.jpg").string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  EXPECT_EQ(open("pipe.jpg"), "not_a_file");
  EXPECT_EQ(open("to_pipe.jpg"), "not_a_file");
  EXPECT_EQ(open("socket.jpg"), "not_a_file");
  EXPECT_EQ(open("sub"), "not_a_file");
  EXPECT_EQ(open("sub/"), "not_a_file");
  EXPECT_EQ(open("."), "not_a_file");
  EXPECT_EQ(open("sub/.."), "not_a_file");
  close(socket_fd);

  const auto dev = PhotoRoot::open("dev", "/dev");
  ASSERT_TRUE(dev);
  EXPECT_EQ(word(dev->open_file("zero")), "not_a_file");
}

TEST_F(OpenBeneath, CallsLoopsAndForbiddenFilesUnreadable) {
  link("loop2", "root/loop1");
  link("loop1", "root/loop2");
  EXPECT_EQ(open("loop1"), "unreadable");
  EXPECT_EQ(open(std::string(5000, 'x')), "unreadable");
  write("root/forbidden.jpg", "x");
  fs::permissions(base_ / "root/forbidden.jpg", fs::perms::none);
  const bool superuser = geteuid() == 0;  // who may read everything: try as nobody
  fs::permissions(base_, fs::perms::all);
  ASSERT_EQ(superuser ? seteuid(65534) : 0, 0);
  EXPECT_EQ(open("forbidden.jpg"), "unreadable");
  ASSERT_EQ(superuser ? seteuid(0) : 0, 0);
}

TEST_F(OpenBeneath, TakesAnyNameAFileCanHave) {
  for (const std::string name : {"line\nbreak.jpg", "quote'\".jpg", "-rf.jpg", "\xff\xfe\x80.jpg",
                                 " ", "$(id);`id`.jpg", "a\\b.jpg", "..hidden.jpg"}) {
    write("root/" + name, "bytes of " + name);
    EXPECT_EQ(read(name), "bytes of " + name);
    EXPECT_EQ(open(name), "opened");
  }
  EXPECT_EQ(open(""), "missing");
  EXPECT_EQ(open(std::string("a.jpg\0.png", 10)), "missing");
}

TEST_F(OpenBeneath, LooksAtTheSizeBeforeReading) {
  write("root/empty.jpg", "");
  write("root/ten.jpg", "0123456789");
  EXPECT_EQ(read("empty.jpg"), "!empty");
  EXPECT_EQ(read("ten.jpg", 10), "0123456789");
  EXPECT_EQ(read("ten.jpg", 9), "!too_large");
  // A sparse file of a terabyte costs nothing, neither memory nor time.
  ASSERT_EQ(truncate((base_ / "root/ten.jpg").c_str(), off_t{1} << 40), 0);
  EXPECT_EQ(read("ten.jpg", 1 << 30), "!too_large");
}

TEST_F(OpenBeneath, ReusesTheBufferWithoutMixingFiles) {
  write("root/long.jpg", std::string(100'000, 'l'));
  const PhotoRoot here = root();
  FileBuffer buffer;
  ASSERT_TRUE(buffer.read(here, "long.jpg", 1 << 20));

  const auto bytes = buffer.read(here, "a.jpg", 1 << 20);

  ASSERT_TRUE(bytes);
  EXPECT_EQ(std::string(bytes->begin(), bytes->end()), "a photo");
}

TEST_F(OpenBeneath, RefusesAFolderThatIsNotThere) {
  const auto none = PhotoRoot::open("photos", (base_ / "none").string());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::environment);
  EXPECT_THAT(none.error().message, testing::HasSubstr("photos=" + (base_ / "none").string()));
  EXPECT_FALSE(PhotoRoot::open("photos", (base_ / "secret").string())) << "a file is no root";
}

TEST_F(OpenBeneath, LeaksNoDescriptors) {
  const auto count = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  link("../secret", "root/out.jpg");
  const PhotoRoot here = root();
  const auto before = count();
  for (int i = 0; i < 20; ++i) {
    (void)here.open_file("sub/deep/../b.jpg");
    (void)here.open_file("out.jpg");
    (void)here.open_file("none");
    (void)here.open_file("sub");
  }
  EXPECT_EQ(count(), before);
}

TEST(IsEnvironmentErrno, KeepsMachineAndPhotoApart) {
  for (const int error : {EIO, ESTALE, ENOTCONN, EMFILE, ENFILE, ENOMEM}) {
    EXPECT_TRUE(is_environment_errno(error)) << error;
  }
  for (const int error : {ENOENT, EACCES, EPERM, ELOOP, EXDEV, ENAMETOOLONG}) {
    EXPECT_FALSE(is_environment_errno(error)) << error;
  }
}

/// Hugging Face's cache, DVC's, `ln -s` subsets.
TEST_F(OpenBeneath, LinksLeadToStoresThatWereNamedAndNowhereElse) {
  fs::create_directories(base_ / "store/blobs");
  write("store/blobs/1", "a blob");
  link("../store/blobs/1", "root/1.jpg");
  link((base_ / "store/blobs/1").string(), "root/absolute.jpg");
  link("../store/blobs", "root/folder");
  link("../../secret", "store/blobs/out");
  link("../store/blobs/out", "root/out.jpg");
  link("../secret", "root/secret.jpg");
  link("../store/blobs/none", "root/dangling.jpg");

  EXPECT_EQ(open("1.jpg"), "outside_root");
  stores_ = {"store"};
  for (const char* const path : {"1.jpg", "absolute.jpg", "folder/1"})
    EXPECT_EQ(read(path), "a blob") << path;
  for (const char* const path : {"1.jpg", "folder/1"}) EXPECT_EQ(open(path), "opened") << path;
  EXPECT_EQ(open("out.jpg"), "outside_root") << "a link of the store to somewhere else";
  EXPECT_EQ(open("secret.jpg"), "outside_root");
  EXPECT_EQ(open("../store/blobs/1"), "outside_root") << "a task names no store";
  EXPECT_EQ(open("dangling.jpg"), "missing");
}

TEST_F(OpenBeneath, ASingleFileMayBeAStore) {
  fs::create_directories(base_ / "store");
  write("store/1", "a blob");
  write("store/2", "another");
  link("../store/1", "root/1.jpg");
  link("../store/2", "root/2.jpg");

  stores_ = {"store/1"};

  EXPECT_EQ(read("1.jpg"), "a blob");
  EXPECT_EQ(open("2.jpg"), "outside_root");
}

TEST_F(OpenBeneath, AStoreThatIsGoneIsNotThePhotosFault) {
  link("../store/1", "root/1.jpg");

  stores_ = {"store"};

  EXPECT_EQ(open("1.jpg"), "environment");
}

}  // namespace
}  // namespace photoscribe
