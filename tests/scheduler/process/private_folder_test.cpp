// A state folder that somebody else made or may write: nothing in it is believed, run or written
// through. Where these tests run as root a second user (nobody) really is there; else what needs
// one is skipped.
#include "scheduler/process/private_folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "scheduler/control/control_socket.h"
#include "scheduler/process/child_process.h"
#include "scheduler/process/private_redis.h"
#include "scheduler/process/process_info.h"
#include "scheduler/process/worker_pool.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65'534;

class StateFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "photoscribe-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    ASSERT_EQ(::chmod(name.c_str(), 0755), 0);  // others may look, as they may in /tmp
    folder_ = name;
    state_ = name + "/archive.db.state";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static mode_t mode_of(const std::string& path) {
    struct ::stat is {};
    return ::stat(path.c_str(), &is) == 0 ? is.st_mode & 0777 : 0;
  }
  static std::string text_of(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// What `act` gives in a process of user nobody; -1 when it does not return.
  static int as_nobody(const std::function<int()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      const bool changed = ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0;
      ::_exit(changed ? act() : 100);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static Expected<ChildProcess> sleeper(const std::string& log) {
    ChildCommand command;
    command.executable = "/bin/sh";
    command.arguments = {"-c", "read line"};
    command.log_file = log;
    return ChildProcess::spawn(command);
  }

  std::string folder_, state_;
};

TEST_F(StateFolder, IsMadeForItsOwnerAlone) {
  ::umask(0022);
  ASSERT_TRUE(make_private_folder(folder_ + "/new/archive.db.state"));

  EXPECT_EQ(mode_of(folder_ + "/new/archive.db.state"), 0700U);
}

TEST_F(StateFolder, OfOurOwnLosesTheRightsOfOthers) {
  ASSERT_EQ(::mkdir(state_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(state_.c_str(), 0777), 0);

  ASSERT_TRUE(make_private_folder(state_ + "/"));

  EXPECT_EQ(mode_of(state_), 0700U);
}

TEST_F(StateFolder, OfSomebodyElseIsRefusedSayingWhose) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  ASSERT_EQ(::mkdir(state_.c_str(), 0777), 0);
  ASSERT_EQ(::chown(state_.c_str(), kNobody, kNobody), 0);

  const Status made = make_private_folder(state_);

  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::environment);
  EXPECT_THAT(made.error().message, HasSubstr("nobody"));
  EXPECT_THAT(made.error().message, HasSubstr("PHOTOSCRIBE_STATE_FOLDER"));
}

TEST_F(StateFolder, ThatIsAFileOrALinkToSomebodyElsesIsRefused) {
  std::ofstream(state_) << "no folder\n";
  EXPECT_FALSE(make_private_folder(state_));
  if (::geteuid() != 0) GTEST_SKIP() << "the rest needs a second user: runs as root";
  fs::remove(state_);
  ASSERT_EQ(::mkdir((folder_ + "/theirs").c_str(), 0777), 0);
  ASSERT_EQ(::chown((folder_ + "/theirs").c_str(), kNobody, kNobody), 0);
  fs::create_directory_symlink(folder_ + "/theirs", state_);

  EXPECT_FALSE(make_private_folder(state_));
}

TEST_F(StateFolder, ALogThatIsALinkIsNotWrittenThrough) {
  std::ofstream(folder_ + "/precious") << "mine\n";
  ASSERT_TRUE(make_private_folder(state_));
  for (const char* name : {"worker-1.log", "redis.log", "redis.process", "on_finish.log"})
    fs::create_symlink(folder_ + "/precious", state_ + "/" + name);

  const auto child = sleeper(state_ + "/worker-1.log");
  PrivateRedisOptions options;
  options.state_folder = state_;
  const auto redis = PrivateRedis::start(options);

  ASSERT_FALSE(child);
  EXPECT_THAT(child.error().message, HasSubstr("link"));
  ASSERT_FALSE(redis);
  EXPECT_THAT(redis.error().message, HasSubstr("redis.log"));
  EXPECT_EQ(text_of(folder_ + "/precious"), "mine\n");
}

TEST_F(StateFolder, ALogWithASecondNameOrOfAnotherKindIsNotWritten) {
  std::ofstream(folder_ + "/precious") << "mine\n";
  ASSERT_TRUE(make_private_folder(state_));
  fs::create_hard_link(folder_ + "/precious", state_ + "/worker-1.log");
  ASSERT_EQ(::mkfifo((state_ + "/worker-2.log").c_str(), 0666), 0);

  EXPECT_FALSE(sleeper(state_ + "/worker-1.log"));
  EXPECT_FALSE(sleeper(state_ + "/worker-2.log"));  // and does not wait for its reader
  EXPECT_FALSE(append_private_file(state_ + "/worker-1.log", "text"));

  EXPECT_EQ(text_of(folder_ + "/precious"), "mine\n");
}

TEST_F(StateFolder, AForgedNoteGetsNothingKilled) {
  auto victim = sleeper(folder_ + "/victim.log");
  ASSERT_TRUE(victim);
  const std::string line = to_line(*identify_process(victim->pid()));
  ASSERT_TRUE(make_private_folder(state_));
  // Even a note that is ours: what it names is neither redis-server nor a worker.
  ASSERT_TRUE(write_private_file(state_ + "/redis.process", "process " + line + "\n"));
  ASSERT_TRUE(write_private_file(state_ + "/workers.process", line + "\n"));
  PrivateRedisOptions options;
  options.state_folder = state_;

  const auto redis = PrivateRedis::start(options);
  stop_left_over_workers(state_ + "/workers.process", {"photoscribe-wor"});

  EXPECT_TRUE(redis);
  EXPECT_FALSE(victim->poll());
}

TEST_F(StateFolder, ANoteThatSomebodyElseWroteIsNotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  auto victim = sleeper(folder_ + "/victim.log");
  ASSERT_TRUE(victim);
  ASSERT_TRUE(make_private_folder(state_));
  std::ofstream(state_ + "/workers.process") << to_line(*identify_process(victim->pid())) << "\n";
  ASSERT_EQ(::chown((state_ + "/workers.process").c_str(), kNobody, kNobody), 0);

  stop_left_over_workers(state_ + "/workers.process", {"sh"});

  EXPECT_EQ(read_private_file(state_ + "/workers.process"), "");
  EXPECT_FALSE(victim->poll());
}

TEST_F(StateFolder, AProcessOfAnotherUserIsNeverKilled) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  const pid_t theirs = ::fork();
  if (theirs == 0) {
    if (::setuid(kNobody) != 0) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  while (program_name_of(theirs).empty()) ::usleep(1'000);
  struct ::stat folder {};
  while (::stat(("/proc/" + std::to_string(theirs)).c_str(), &folder) == 0 &&
         folder.st_uid != kNobody)
    ::usleep(1'000);

  kill_process(*identify_process(theirs), {program_name_of(theirs)});

  EXPECT_EQ(::waitpid(theirs, nullptr, WNOHANG), 0);
  ::kill(theirs, SIGKILL);
  ::waitpid(theirs, nullptr, 0);
}

int connects_to(const std::string& path) {
  const int handle = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int failed = ::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address);
  return failed == 0 ? 0 : errno;
}

TEST_F(StateFolder, NobodyElseReachesThePrivateRedisOrTheControlSocketOrReadsALog) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  ASSERT_TRUE(make_private_folder(state_));
  PrivateRedisOptions options;
  options.state_folder = state_;
  const auto redis = PrivateRedis::start(options);
  ASSERT_TRUE(redis) << redis.error().message;
  asio::io_context io;
  ControlServer control(io, [](ControlRequest) -> asio::awaitable<Expected<ControlReply>> {
    co_return ControlReply();
  });
  ASSERT_TRUE(control.open(state_));
  const std::string socket = redis->url().substr(std::string("unix:").size());
  const std::string log = state_ + "/redis.log";

  EXPECT_EQ(as_nobody([&] { return connects_to(socket); }), EACCES);
  EXPECT_EQ(as_nobody([&] { return connects_to(state_ + "/control"); }), EACCES);
  EXPECT_EQ(as_nobody([&] { return ::open(log.c_str(), O_RDONLY) < 0 ? errno : 0; }), EACCES);
  EXPECT_EQ(as_nobody([&] { return ::kill(redis->pid(), 0) != 0 ? errno : 0; }), EPERM);
}

TEST_F(StateFolder, WhoeverReachesTheControlSocketAllTheSameIsHungUpOn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user: runs as root";
  ASSERT_TRUE(make_private_folder(state_));
  asio::io_context io;
  bool asked = false;
  ControlServer control(io, [&](ControlRequest) -> asio::awaitable<Expected<ControlReply>> {
    asked = true;
    co_return ControlReply();
  });
  ASSERT_TRUE(control.open(state_));
  // As an administrator's chmod, or a file system without rights, would leave it.
  ASSERT_EQ(::chmod(state_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod((state_ + "/control").c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setuid(kNobody) != 0) ::_exit(100);
    ControlRequest request;
    request.verb = ControlVerb::drain;
    ::_exit(ask_scheduler(state_, request, std::chrono::seconds(5)) ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) io.run_for(std::chrono::milliseconds(10));

  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(asked);
  control.close();
  io.run_for(std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace photoscribe
