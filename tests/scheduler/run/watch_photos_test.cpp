// A run's folders while it runs: which files and archives come into its manifest, and when.
#include "scheduler/run/watch_photos.h"

#include <sys/inotify.h>

#include <chrono>
#include <thread>

#include "tests/scheduler/sources/archives_fixture.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WatchedFolders : public Archives {
 protected:
  WatchedFolders() : store_(must(Store::open_writer(at("archive.db")))), thread_(store_) {
    run_ = must(store_.ensure_run("default", settings())).run.id;
    fs::create_directories(at("A"));
  }
  void start(std::chrono::seconds rescan_every = 600s) {
    WatchSettings watched;
    watched.run = run_;
    watched.plan = plan({"A"});
    watched.options.archives = true;
    watched.rescan_every = rescan_every;
    watch_ = must(PhotoWatch::start(std::move(watched), thread_,
                                    {[](const RunCounts&) {}, [](const Event&) {}}));
  }
  std::vector<std::string> known() {
    const std::lock_guard alone(thread_.mutex());
    return plain_rows(at("archive.db"), "SELECT CAST(path AS TEXT) FROM image ORDER BY 1");
  }
  bool comes(std::size_t photos) {
    for (const auto until = std::chrono::steady_clock::now() + 60s;
         std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(20ms)) {
      if (known().size() >= photos) return true;
    }
    return false;
  }

  Store store_;
  RunId run_ = 0;
  StoreThread thread_;
  std::unique_ptr<PhotoWatch> watch_;
};

TEST_F(WatchedFolders, AnArchiveThatIsBeingWrittenIsTakenWholeAndOnceItIsClosed) {
  make("whole.tar", {{"a.jpg", std::string(3'000, 'a')}, {"b.jpg", "b"}, {"c.jpg", "c"}});
  const std::string bytes = bytes_of(at("whole.tar"));
  start(1s);
  std::ofstream slow(at("A/slow.tar"), std::ios::binary);
  slow << bytes.substr(0, 2'000) << std::flush;
  std::this_thread::sleep_for(2'500ms);  // quiet for longer than a walk leaves alone
  EXPECT_THAT(known(), IsEmpty());
  slow << bytes.substr(2'000) << std::flush;
  slow.close();
  ASSERT_TRUE(comes(3));
  EXPECT_THAT(known(), ElementsAre("slow.tar!a.jpg", "slow.tar!b.jpg", "slow.tar!c.jpg"));
  const auto archives = must([&] {
    const std::lock_guard alone(thread_.mutex());
    return store_.known_archives(run_);
  }());
  ASSERT_EQ(archives.size(), 1U);
  EXPECT_EQ(archives[0].file.archive->photos, 3);
}

// It was begun before anybody watched, and its writer rests.
TEST_F(WatchedFolders, AnArchiveThatGrowsIsLeftUntilItStaysAsItIs) {
  make("whole.tar", {{"a.jpg", std::string(3'000, 'a')}, {"b.jpg", "b"}});
  const std::string bytes = bytes_of(at("whole.tar"));
  std::ofstream slow(at("A/slow.tar"), std::ios::binary);
  slow << bytes.substr(0, 2'000) << std::flush;
  start();
  std::this_thread::sleep_for(5'500ms);  // two looks at it
  EXPECT_THAT(known(), IsEmpty()) << "it is open still";
  slow << bytes.substr(2'000) << std::flush;
  EXPECT_THAT(known(), IsEmpty());
  slow.close();
  EXPECT_TRUE(comes(2));
}

TEST_F(WatchedFolders, PhotosThatWereWrittenJustBeforeItBeganAreNotLeftToALaterWalk) {
  put("A/new.jpg");
  put("A/future.jpg");
  fs::last_write_time(at("A/future.jpg"), fs::file_time_type::clock::now() + std::chrono::hours(9));
  start();
  EXPECT_TRUE(comes(2));
}

TEST_F(WatchedFolders, ArchivesThatTheWatchFoundAreListedOnce) {
  start(1s);
  make("A/one.zip", {{"a.jpg", "x"}, {"b.jpg", "x"}}, MadeAs::zip_stored);
  ASSERT_TRUE(comes(2));
  const int heard = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(::inotify_add_watch(heard, at("A/one.zip").c_str(), IN_OPEN), 0);
  std::this_thread::sleep_for(2'500ms);  // two walks
  char event[sizeof(inotify_event) + 256];
  EXPECT_LT(::read(heard, event, sizeof event), 0) << "nobody opened it";
  ::close(heard);
  EXPECT_EQ(known().size(), 2U);
}

TEST_F(WatchedFolders, APartOfAnExportTellsOfThoseThatCameBefore) {
  start();
  const std::string album = "Takeout/Google Photos/Photos from 1970/";
  make("A/takeout-001.zip", {{album + "a.jpg", "x"}}, MadeAs::zip_stored);
  ASSERT_TRUE(comes(1));
  make("other.zip",
       {{album + "a.jpg.json", R"({"title":"a.jpg","photoTakenTime":{"timestamp":"86400"}})"},
        {album + "b.jpg", "x"}},
       MadeAs::zip_stored);
  fs::rename(at("other.zip"), at("A/takeout-002.zip"));
  ASSERT_TRUE(comes(2));
  const std::lock_guard alone(thread_.mutex());
  EXPECT_THAT(plain_rows(at("archive.db"),
                         "SELECT value FROM kept_value JOIN kept_column USING (column_id) WHERE "
                         "name = 'taken_at'"),
              ElementsAre("1970-01-02T00:00:00Z"));
}

}  // namespace
}  // namespace photoscribe::test
