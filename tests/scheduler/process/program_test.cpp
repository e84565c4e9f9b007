#include "scheduler/process/program.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/core/file_descriptor.h"

namespace photoscribe {
namespace {

ProgramOptions shell(const std::string& script) {
  ProgramOptions options;
  options.executable = "/bin/sh";
  options.words = {"sh", "-c", script};
  return options;
}

std::string rest_of(const FileDescriptor& from) {
  std::string text;
  char byte = 0;
  while (::read(from.get(), &byte, 1) == 1) text += byte;
  return text;
}

TEST(Program, HasASessionOfItsOwnAndOutlivesAHangupWhereAskedTo) {
  ProgramOptions options = shell("kill -HUP $$; read line; echo still here: $line");
  options.group = ProgramOptions::Group::own_session;
  options.ignores_hangup = true;
  Pipe in = open_pipe(), out = open_pipe();

  const pid_t pid = Program(std::move(options)).start({in.read.get(), out.write.get(), -1});
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::getsid(pid), pid);
  ASSERT_EQ(::write(in.write.get(), "a\n", 2), 2);
  out.write.reset();

  EXPECT_EQ(rest_of(out.read), "still here: a\n");
  EXPECT_EQ(shell_status_of(reap(pid)), 0);
}

TEST(Program, GetsSignalsAtTheirDefault) {
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t pid = Program(shell("kill -PIPE $$; exit 7")).start({});
  ::signal(SIGPIPE, SIG_DFL);

  EXPECT_EQ(shell_status_of(reap(pid)), 128 + SIGPIPE);
}

TEST(Program, SaysWhyItWasNotStarted) {
  ProgramOptions options;
  options.words = {"none"};
  options.executable = "/nonexistent/program";
  EXPECT_EQ(Program(options).start({}), -1);
  EXPECT_EQ(errno, ENOENT);
  options.executable = "/etc/passwd";
  EXPECT_EQ(Program(options).start({}), -1);
  EXPECT_EQ(errno, EACCES);
  options.executable = "no-such-program-anywhere";
  options.search_path = true;
  EXPECT_EQ(Program(options).start({}), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST(FindExecutable, TakesTheFirstFileThatMayBeRun) {
  const std::string path = std::getenv("PATH");
  std::string folder = "/tmp/photoscribe-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::filesystem::create_directories(folder + "/a/tool");  // a folder of that name
  std::filesystem::create_directories(folder + "/b");
  std::ofstream(folder + "/b/tool") << "#!/bin/sh\n";
  ::setenv("PATH", (folder + "/a:" + folder + "/b:" + path).c_str(), 1);

  EXPECT_EQ(find_executable("tool"), "") << "nothing there may be run";
  std::filesystem::permissions(folder + "/b/tool", std::filesystem::perms::owner_all);
  EXPECT_EQ(find_executable("tool"), folder + "/b/tool");
  EXPECT_EQ(find_executable(folder + "/a/tool"), "");

  ::setenv("PATH", path.c_str(), 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace photoscribe
