// What Ctrl-C leaves of a file that a verb has begun: in children, really ended by the signal.
#include "common/core/remove_on_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "common/core/output_file.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;

/// How a child that does this ended, as waitpid() tells.
int end_of(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

class RemovesOnSignal : public ::testing::Test {
 protected:
  bool nothing_left() const {
    return fs::directory_iterator(folder_.path()) == fs::directory_iterator();
  }
  test::TempDir folder_;
};

TEST_F(RemovesOnSignal, AFileOfWhichHalfIsWritten) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const int end = end_of([&] {
      const auto file = OutputFile::open(folder_.file("captions.csv"));
      (void)(*file)->add(std::string(200'000, 'x'));
      ::raise(number);
    });
    ASSERT_TRUE(WIFSIGNALED(end)) << end;
    EXPECT_EQ(WTERMSIG(end), number);
    EXPECT_TRUE(nothing_left());
  }
}

TEST_F(RemovesOnSignal, NothingOnceItIsWhole) {
  const int end = end_of([&] {
    {
      const auto file = OutputFile::open(folder_.file("captions.csv"));
      (void)(*file)->add("x");
      (void)(*file)->finish();
    }
    ::raise(SIGINT);
  });
  EXPECT_TRUE(WIFSIGNALED(end));
  EXPECT_TRUE(fs::exists(folder_.file("captions.csv")));
}

TEST_F(RemovesOnSignal, NothingForASignalThatWasIgnored) {
  folder_.write("half", "x");
  const int end = end_of([&] {
    ::signal(SIGHUP, SIG_IGN);  // nohup
    const RemoveOnSignal guard({folder_.file("half")});
    ::raise(SIGHUP);
  });
  EXPECT_TRUE(WIFEXITED(end));
  EXPECT_TRUE(fs::exists(folder_.file("half")));
}

}  // namespace
}  // namespace photoscribe
