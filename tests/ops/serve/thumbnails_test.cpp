// Thumbnails: made once, the last asked for first, kept within bounds.
#include "ops/serve/thumbnails.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>

#include "tests/support/temp_dir.h"

namespace photoscribe::serve {
namespace {

using testing::ElementsAre;

PictureRequest request(const std::string& file) {
  PictureRequest one;
  one.file = file;
  return one;
}

/// Holds pictures back until it is opened.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
  std::mutex mutex;
  std::vector<std::string> asked;
};

class GatedMaker : public PictureMaker {
 public:
  explicit GatedMaker(Gate& gate) : gate_(gate) {}
  Expected<std::string> make(const PictureRequest& one) override {
    {
      const std::lock_guard<std::mutex> lock(gate_.mutex);
      gate_.asked.push_back(one.file);
    }
    gate_.opened.wait();
    if (one.file == "/broken") return std::string();
    return "picture of " + one.file;
  }
  void suspend() override {}

 private:
  Gate& gate_;
};

class ThumbnailsTest : public testing::Test {
 protected:
  Thumbnails& start(int threads = 1) {
    thumbnails_.emplace(
        folder_.file("cache"), 1 << 20, [this] { return std::make_unique<GatedMaker>(gate_); },
        threads);
    return *thumbnails_;
  }
  std::future<std::string> make(const std::string& file) {
    auto promise = std::make_shared<std::promise<std::string>>();
    thumbnails_->make(request(file), [promise](Expected<std::string> made) {
      promise->set_value(made ? *made : "error: " + made.error().message);
    });
    return promise->get_future();
  }
  void wait_until_asked(std::size_t count) {
    for (;;) {
      const std::lock_guard<std::mutex> lock(gate_.mutex);
      if (gate_.asked.size() >= count) return;
    }
  }
  test::TempDir folder_;
  Gate gate_;
  std::optional<Thumbnails> thumbnails_;
};

TEST_F(ThumbnailsTest, MakesTheLastAskedForFirstAndEachOnce) {
  start();
  auto a = make("/a");
  wait_until_asked(1);
  auto b = make("/b"), c = make("/c"), a_again = make("/a"), b_again = make("/b");
  gate_.open.set_value();
  EXPECT_EQ(a.get(), "picture of /a");
  EXPECT_EQ(a_again.get(), "picture of /a");
  EXPECT_EQ(b.get(), "picture of /b");
  EXPECT_EQ(b_again.get(), "picture of /b");
  EXPECT_EQ(c.get(), "picture of /c");
  EXPECT_THAT(gate_.asked, ElementsAre("/a", "/b", "/c"));
  EXPECT_EQ(thumbnails_->kept(Thumbnails::key_of(request("/a"))), "picture of /a");
}

TEST_F(ThumbnailsTest, RemembersForAWhileWhatHasNoPicture) {
  start();
  gate_.open.set_value();
  EXPECT_EQ(make("/broken").get(), "");
  EXPECT_EQ(make("/broken").get(), "");
  EXPECT_EQ(gate_.asked.size(), 1U);
}

TEST_F(ThumbnailsTest, RefusesTheOldestWhenTooManyWait) {
  start();
  auto first = make("/first");
  wait_until_asked(1);
  std::vector<std::future<std::string>> all;
  for (int i = 0; i < 450; ++i) all.push_back(make("/" + std::to_string(i)));
  EXPECT_EQ(all[0].get(), "error: too many pictures are waiting");
  gate_.open.set_value();
  EXPECT_EQ(all[449].get(), "picture of /449");
  EXPECT_EQ(all[100].get(), "picture of /100");
}

/// A photo of a server that stalls.
class StalledMaker : public PictureMaker {
 public:
  explicit StalledMaker(std::promise<void>& asked) : asked_(asked) {}
  Expected<std::string> make(const PictureRequest&) override {
    asked_.set_value();
    cancelled_.get_future().wait();
    return std::string();
  }
  void suspend() override {}
  void cancel() noexcept override { cancelled_.set_value(); }

 private:
  std::promise<void>& asked_;
  std::promise<void> cancelled_;
};

TEST(Thumbnails, Issue16AStalledPictureDoesNotKeepTheEndWaiting) {
  const test::TempDir folder;
  std::promise<void> asked;
  Expected<std::string> got = std::string("none");
  {
    Thumbnails thumbnails(
        folder.file("cache"), 1 << 20, [&] { return std::make_unique<StalledMaker>(asked); }, 1);
    thumbnails.make(request("/stalled"), [&](Expected<std::string> made) { got = made; });
    asked.get_future().wait();
  }
  EXPECT_EQ(got.value_or("error"), "");
}

TEST(DiskCache, Issue16IsNotKeptWhereOthersCanWrite) {
  const test::TempDir folder;
  const std::string everybodys = folder.file("tmp"), key = "aaaa1";
  std::filesystem::create_directory(everybodys);
  ASSERT_EQ(::chmod(everybodys.c_str(), 01777), 0);
  const std::string own = everybodys + "/photoscribe-cache-7";
  {
    DiskCache cache(own + "/thumbnails", 10'000);
    EXPECT_FALSE(cache.get(key));
    ASSERT_TRUE(cache.put(key, "picture"));
    EXPECT_EQ(cache.get(key), "picture");
  }
  struct ::stat is {};
  ASSERT_EQ(::stat(own.c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777, 0700U);

  // Somebody else's folder of that name, and one into which others may write.
  for (const mode_t mode : {0777, 0720}) {
    ASSERT_EQ(::chmod(own.c_str(), mode), 0);
    DiskCache cache(own + "/thumbnails", 10'000);
    EXPECT_FALSE(cache.get(key)) << std::oct << mode;
    const Status put = cache.put(key, "x");
    ASSERT_FALSE(put);
    EXPECT_THAT(put.error().message, testing::HasSubstr("XDG_CACHE_HOME"));
  }
  if (::geteuid() == 0) {
    ASSERT_EQ(::chmod(own.c_str(), 0700), 0);
    ASSERT_EQ(::chown(own.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(DiskCache(own + "/thumbnails", 10'000).get(key)) << "another user's";
    ASSERT_EQ(::chown(own.c_str(), 0, 0), 0);
  }
  // A link that leads to a folder of ours.
  ASSERT_EQ(::chmod(own.c_str(), 0700), 0);
  std::filesystem::rename(own, folder.file("elsewhere"));
  std::filesystem::create_directory_symlink(folder.file("elsewhere"), own);
  EXPECT_FALSE(DiskCache(own + "/thumbnails", 10'000).get(key));
  // In a place of one's own a link is as good as a folder.
  std::filesystem::create_directory_symlink(folder.file("elsewhere"), folder.file("link"));
  EXPECT_EQ(DiskCache(folder.file("link") + "/thumbnails", 10'000).get(key), "picture");
}

TEST(DiskCache, KeepsTheLastUsedWithinItsBounds) {
  const test::TempDir folder;
  DiskCache cache(folder.file("pictures"), 10'000);
  const auto key = [](int i) { return "aaaa" + std::to_string(1000 + i); };
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(cache.put(key(i), std::string(1'000, 'x')));
  int there = 0;
  std::uintmax_t bytes = 0;
  for (int i = 0; i < 40; ++i) there += cache.get(key(i)) ? 1 : 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.file("pictures"))) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  EXPECT_LE(bytes, 10'000U);
  EXPECT_GE(there, 8);
  DiskCache next(folder.file("pictures"), 2'000);  // another process, with less room
  ASSERT_TRUE(next.put("bbbb", std::string(1'000, 'y')));
  EXPECT_EQ(next.get("bbbb"), std::string(1'000, 'y'));
  bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.file("pictures"))) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  EXPECT_LE(bytes, 2'000U);
}

// CI once removed the picture just put: file times are finer than time()'s, and clocks are set
// back.
TEST(DiskCache, TheOrderOfUseNeedsNoClock) {
  const test::TempDir folder;
  {
    DiskCache cache(folder.file("pictures"), 10'000);
    for (const char* key : {"aaaa", "bbbb", "cccc"}) {
      ASSERT_TRUE(cache.put(key, std::string(1'000, 'x')));
    }
  }
  const auto in_an_hour = std::filesystem::file_time_type::clock::now() + std::chrono::hours(1);
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.file("pictures"))) {
    if (file.is_regular_file()) std::filesystem::last_write_time(file.path(), in_an_hour);
  }
  DiskCache later(folder.file("pictures"), 4'000);
  ASSERT_TRUE(later.put("dddd", std::string(1'000, 'y')));  // just fits
  EXPECT_TRUE(later.get("aaaa"));                           // in the same second
  ASSERT_TRUE(later.put("0000", std::string(1'000, 'z')));  // two have to go
  EXPECT_TRUE(later.get("0000")) << "the last put";
  EXPECT_TRUE(later.get("dddd")) << "put by a clock that had been set back";
  EXPECT_TRUE(later.get("aaaa")) << "asked for since";
  EXPECT_FALSE(later.get("bbbb"));
  EXPECT_FALSE(later.get("cccc"));
}

TEST(DiskCache, SaysThatItsFolderCannotBeWritten) {
  DiskCache cache("/proc/nowhere", 1'000);
  EXPECT_FALSE(cache.put("aaaa", "x"));
  EXPECT_EQ(cache.get("aaaa"), std::nullopt);
}

}  // namespace
}  // namespace photoscribe::serve
