#include "ops/cli/run/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/text/safe_text.h"

namespace photoscribe::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

RunProgress half_way() {
  RunProgress now;
  now.phase = "captioning";
  now.total = 7000;
  now.done = 2811;
  now.blurred = 677;
  now.failed = 12;
  now.pending = 3500;
  now.photos_per_s = 85.4;
  now.left = std::chrono::seconds(41);
  now.seconds = 41;
  return now;
}

/// A pipe that a printer writes into.
class Reader {
 public:
  Reader() { EXPECT_EQ(pipe(ends_), 0); }
  ~Reader() { close(ends_[0]); }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  std::string all() {
    close(ends_[1]);
    std::string text;
    char chunk[512];
    for (ssize_t size; (size = read(ends_[0], chunk, sizeof chunk)) > 0;) {
      text.append(chunk, static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(LiveLine, SaysEverythingWhereThereIsRoom) {
  EXPECT_EQ(live_line(half_way(), 200),
            "captioning ━━━━━━━━━━────────── 50 % · 3,500/7,000 · 2,811 done · 677 blurred · 12 "
            "failed · 85 photos/s · 41 s left");
}

TEST(LiveLine, CountsUnsureCaptionsAsFinished) {
  RunProgress now = half_way();
  now.done -= 100;
  now.unsure = 100;

  EXPECT_THAT(live_line(now, 200), HasSubstr("50 % · 3,500/7,000 · 2,711 done · 100 unsure · 677"));
  EXPECT_THAT(log_line(now), HasSubstr("2,711 done, 100 unsure, 677 blurred"));
}

TEST(LiveLine, FitsIntoEveryWidth) {
  RunProgress now = half_way();
  for (std::size_t width = 0; width < 200; ++width) {
    EXPECT_LE(columns(live_line(now, width)), width);
  }
  EXPECT_THAT(live_line(now, 60), HasSubstr("41 s left"));
  now.phase = "looking for photos";
  now.total = 0;
  now.found = 12'345;
  EXPECT_EQ(live_line(now, 80), "looking for photos: 12,345 found");
  EXPECT_LE(columns(live_line(now, 10)), 10U);
}

TEST(LiveLine, LeavesOutATimeThatIsNotKnown) {
  RunProgress now = half_way();
  now.left.reset();

  EXPECT_THAT(live_line(now, 200), Not(HasSubstr("left")));
}

TEST(ProgressPrinter, WritesOneLineAPhaseIntoAPipeAtFirst) {
  Reader reader;
  {
    ProgressPrinter printer(reader.write_end(), ProgressStyle::lines);
    printer.progress(half_way());
    printer.progress(half_way());
    RunProgress later = half_way();
    later.phase = "finishing";
    printer.progress(later);
    printer.event({EventLevel::warning, "worker 1 ended\x1b[2J"});
  }

  EXPECT_EQ(reader.all(),
            "captioning: 3,500 of 7,000 (50 %): 2,811 done, 677 blurred, 12 failed, 85 photos/s, "
            "41 s left\n"
            "finishing: 3,500 of 7,000 (50 %): 2,811 done, 677 blurred, 12 failed, 85 photos/s, 41 "
            "s left\n"
            "warning: worker 1 ended\\x1B[2J\n");
}

TEST(ProgressPrinter, TakesTheLiveLineAwayAtTheEnd) {
  Reader reader;
  {
    ProgressPrinter printer(reader.write_end(), ProgressStyle::live);
    printer.progress(half_way());
  }

  const std::string text = reader.all();
  EXPECT_THAT(text, testing::StartsWith("\r"));
  EXPECT_THAT(text, testing::EndsWith("\r\x1b[K"));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST(ProgressPrinter, KeepsWarningsWhenItIsSilent) {
  Reader reader;
  {
    ProgressPrinter printer(reader.write_end(), ProgressStyle::silent);
    printer.progress(half_way());
    printer.event({EventLevel::info, "started"});
    printer.event({EventLevel::error, "disk full"});
  }

  EXPECT_EQ(reader.all(), "error: disk full\n");
}

}  // namespace
}  // namespace photoscribe::cli
