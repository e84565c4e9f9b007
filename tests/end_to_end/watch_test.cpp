// Runs that watch their folders: `run --watch`.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/end_to_end/fixture.h"

namespace photoscribe::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Watch : public EndToEnd {
 protected:
  [[nodiscard]] bool is_final(const std::string& name) const {
    return eventually(
        [&] { return count("uri LIKE '%/" + name + "' AND state <> 'pending'") == "1"; });
  }
  std::string attempts() const {
    return query_one(database(), "SELECT coalesce(max(attempt), 0) FROM result");
  }
};

TEST_F(Watch, CaptionsASlowlyWrittenPhotoOnceAndOnlyAfterItsClose) {
  add_photos(2);
  Process running(run_command({"--watch", "--no-progress"}), folder_.path().string());
  ASSERT_TRUE(recorded(2)) << running.err_so_far();

  const std::string bytes = clear_jpeg(7);
  std::ofstream slow(photos() + "/slow.jpg", std::ios::binary);
  for (std::size_t part = 0; part < 4; ++part) {
    const std::size_t size = bytes.size() / 4;
    slow << bytes.substr(part * size, part == 3 ? std::string::npos : size) << std::flush;
    std::this_thread::sleep_for(700ms);
    EXPECT_EQ(count("uri LIKE '%/slow.jpg'"), "0") << "it is open";
  }
  slow.close();
  ASSERT_TRUE(is_final("slow.jpg")) << running.err_so_far();
  std::filesystem::create_directory(photos() + "/later");
  write_photo("later/new.jpg", clear_jpeg(8));
  write_photo("soft.part", blurred_jpeg());
  std::filesystem::rename(photos() + "/soft.part", photos() + "/soft.jpg");
  write_photo("notes.txt", "no photo");
  ASSERT_TRUE(is_final("new.jpg")) << running.err_so_far();
  ASSERT_TRUE(is_final("soft.jpg")) << running.err_so_far();
  EXPECT_FALSE(running.ended());

  running.signal(SIGINT);
  const Finished got = running.wait();

  EXPECT_EQ(got.exit_status, 0) << got.err << got.out;
  expect_everything_once(5);
  EXPECT_EQ(attempts(), "1") << "nothing twice";
  EXPECT_EQ(count("uri LIKE '%/slow.jpg' AND state = 'done'"), "1");
}

TEST_F(Watch, BeginsWithAnEmptyFolderAndWalksItNowAndThen) {
  ::setenv("PHOTOSCRIBE_WATCH_RESCAN_S", "1", 1);
  Process running(run_command({"--watch", "--no-progress"}), folder_.path().string());
  ::unsetenv("PHOTOSCRIBE_WATCH_RESCAN_S");
  std::this_thread::sleep_for(1s);
  // A link is never closed: only a walk finds it.
  std::ofstream(folder_.file("else.jpg"), std::ios::binary) << clear_jpeg(3);
  std::filesystem::create_hard_link(folder_.file("else.jpg"), photos() + "/link.jpg");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(database()); }));
  ASSERT_TRUE(recorded(1)) << running.err_so_far();
  running.signal(SIGINT);
  EXPECT_EQ(running.wait().exit_status, 0);
  EXPECT_EQ(count("state = 'done'"), "1");
}

TEST_F(Watch, SaysWhatItCannotWatch) {
  const Finished nothing =
      photoscribe({"run", "--watch", "-o", database(), "--model", model(), "--limit", "3"});
  EXPECT_EQ(nothing.exit_status, 2);
  add_photos(1);
  EXPECT_THAT(run_photos({"--watch", "--limit", "3"}).err, HasSubstr("--watch needs folders"));
}

}  // namespace
}  // namespace photoscribe::test
