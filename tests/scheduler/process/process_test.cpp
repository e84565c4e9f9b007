// Real processes: the private server and children, also when their parent is killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "scheduler/process/child_process.h"
#include "scheduler/process/private_redis.h"
#include "scheduler/process/process_info.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Polls a condition of another process, for which nothing can be waited on.
bool becomes_true(const std::function<bool()>& condition) {
  const auto limit = steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

class Processes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "photoscribe-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  PrivateRedisOptions options() const {
    PrivateRedisOptions made;
    made.state_folder = folder_.string();
    return made;
  }
  ChildCommand shell(const std::string& script) const {
    ChildCommand command;
    command.executable = "/bin/sh";
    command.arguments = {"-c", script};
    command.log_file = (folder_ / "child.log").string();
    return command;
  }
  std::string text(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path folder_;
};

bool gone(pid_t pid) {
  const auto process = identify_process(pid);
  return !process || !is_running(*process);
}

TEST_F(Processes, StartsAServerThatOnlyItsOwnerCanReachAndRemovesEveryTrace) {
  std::string socket;
  pid_t server = 0;
  {
    auto redis = PrivateRedis::start(options());
    ASSERT_TRUE(redis) << redis.error().message;
    socket = redis->url().substr(std::string("unix:").size());
    server = redis->pid();

    struct stat about {};
    ASSERT_EQ(::stat(fs::path(socket).parent_path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0700U);
    EXPECT_TRUE(redis->running());
    EXPECT_GT(resident_bytes(server), 1 << 20);
  }
  EXPECT_TRUE(gone(server));
  EXPECT_FALSE(fs::exists(fs::path(socket).parent_path()));
  EXPECT_FALSE(fs::exists(folder_ / "redis.process"));
}

TEST_F(Processes, TwoServersDoNotMeet) {
  auto first = PrivateRedis::start(options());
  fs::create_directory(folder_ / "other");
  PrivateRedisOptions elsewhere = options();
  elsewhere.state_folder = (folder_ / "other").string();
  auto second = PrivateRedis::start(elsewhere);

  ASSERT_TRUE(first && second);
  EXPECT_NE(first->url(), second->url());
  EXPECT_TRUE(first->running());
}

TEST_F(Processes, NoticesThatTheServerDiedAndStartsAnotherAtTheSameAddress) {
  auto redis = PrivateRedis::start(options());
  ASSERT_TRUE(redis) << redis.error().message;
  const std::string url = redis->url();
  const pid_t server = redis->pid();

  ::kill(server, SIGKILL);
  ASSERT_TRUE(becomes_true([&] { return !redis->running(); }));
  const Status again = redis->restart();

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(redis->url(), url);
  EXPECT_NE(redis->pid(), server);
}

/// Starts a server in a forked process, which then waits for its death; returns that process.
pid_t fork_owner(const PrivateRedisOptions& options, int report) {
  const pid_t owner = ::fork();
  if (owner != 0) return owner;
  auto redis = PrivateRedis::start(options);
  const pid_t server = redis ? redis->pid() : -1;
  if (::write(report, &server, sizeof server) != sizeof server) ::_exit(1);
  for (;;) ::pause();
}

TEST_F(Processes, EndsTheServerWhenItsOwnerIsKilled) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t owner = fork_owner(options(), ends[1]);
  pid_t server = -1;
  ASSERT_EQ(::read(ends[0], &server, sizeof server), static_cast<ssize_t>(sizeof server));
  ASSERT_GT(server, 0);
  ASSERT_FALSE(gone(server));

  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);

  EXPECT_TRUE(becomes_true([&] { return gone(server); }));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Processes, StopsAServerThatAKilledRunLeftBehind) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t owner = fork_owner(options(), ends[1]);
  pid_t left_over = -1;
  ASSERT_EQ(::read(ends[0], &left_over, sizeof left_over), static_cast<ssize_t>(sizeof left_over));

  auto redis = PrivateRedis::start(options());  // the other one is still there: as if left behind

  ASSERT_TRUE(redis) << redis.error().message;
  EXPECT_TRUE(becomes_true([&] { return gone(left_over); }));
  EXPECT_TRUE(redis->running());
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(Processes, LeavesAloneAnInnocentProcessThatHasTheOldNumber) {
  auto child = ChildProcess::spawn(shell("read line"));
  ASSERT_TRUE(child);
  ProcessIdentity other = *identify_process(child->pid());
  other.start_ticks -= 1;  // started earlier: somebody else, long gone

  kill_process(other, {"sh"});

  EXPECT_FALSE(child->poll());
}

TEST_F(Processes, SaysWhatToInstallWhenThereIsNoServer) {
  PrivateRedisOptions absent = options();
  absent.executable = "no-such-redis-server";

  const auto redis = PrivateRedis::start(absent);

  ASSERT_FALSE(redis);
  EXPECT_EQ(redis.error().code, Errc::environment);
  EXPECT_THAT(redis.error().message, ::testing::HasSubstr("apt-get install redis-server"));
}

TEST_F(Processes, NamesTheLogWhenTheServerEndsAtOnce) {
  PrivateRedisOptions broken = options();
  broken.executable = "/bin/false";

  const auto redis = PrivateRedis::start(broken);

  ASSERT_FALSE(redis);
  EXPECT_THAT(redis.error().message, ::testing::HasSubstr("redis.log"));
}

TEST_F(Processes, AChildReadsEndOfFileWhenItsParentLetsGo) {
  auto child = ChildProcess::spawn(shell("cat > /dev/null; echo bye; exit 7"));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_FALSE(child->poll());

  child->close_stdin();
  std::optional<ChildEnd> end;
  ASSERT_TRUE(becomes_true([&] { return (end = child->poll()).has_value(); }));

  EXPECT_EQ(end->exit_code, 7);
  EXPECT_EQ(end->signal, 0);
  EXPECT_EQ(text("child.log"), "bye\n");
}

TEST_F(Processes, AChildHasNoneOfOurOpenFilesAndItsOwnProcessGroup) {
  const int open_here = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
  auto child = ChildProcess::spawn(shell("ls /proc/self/fd | wc -l; read line"));
  ASSERT_TRUE(child) << child.error().message;

  ASSERT_TRUE(becomes_true([&] { return !text("child.log").empty(); }));

  EXPECT_EQ(std::stoi(text("child.log")), 4);  // 0, 1, 2 and the one of ls itself
  EXPECT_EQ(::getpgid(child->pid()), child->pid());
  ::close(open_here);
}

TEST_F(Processes, WithholdsAPasswordFromAChildThatNeedsNone) {
  ::setenv("PHOTOSCRIBE_REDIS_PASSWORD", "secret", 1);
  ChildCommand command = shell("echo ${PHOTOSCRIBE_REDIS_PASSWORD-none} ${HOME-homeless}");
  command.withheld = {"PHOTOSCRIBE_REDIS_PASSWORD"};
  auto child = ChildProcess::spawn(command);
  ::unsetenv("PHOTOSCRIBE_REDIS_PASSWORD");
  ASSERT_TRUE(child) << child.error().message;

  ASSERT_TRUE(becomes_true([&] { return child->poll().has_value(); }));

  const char* home = std::getenv("HOME");
  EXPECT_EQ(text("child.log"), "none " + std::string(home != nullptr ? home : "homeless") + "\n");
}

TEST_F(Processes, SaysWhichExecutableIsMissing) {
  ChildCommand command = shell("");
  command.executable = (folder_ / "photoscribe-worker").string();

  const auto child = ChildProcess::spawn(command);

  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::environment);
  EXPECT_THAT(child.error().message, ::testing::HasSubstr("photoscribe-worker"));
}

TEST(SocketFolder, IsShortEnoughForASocketWhateverTheEnvironmentSays) {
  const char* before = std::getenv("XDG_RUNTIME_DIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("XDG_RUNTIME_DIR", ("/tmp/" + std::string(120, 'x')).c_str(), 1);

  const auto folder = make_socket_folder();

  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_LE(folder->size() + std::string("/redis.sock").size(), 107U);
  fs::remove(*folder);
  before != nullptr ? ::setenv("XDG_RUNTIME_DIR", kept.c_str(), 1) : ::unsetenv("XDG_RUNTIME_DIR");
}

}  // namespace
}  // namespace photoscribe
