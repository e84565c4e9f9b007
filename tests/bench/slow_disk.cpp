// Runs a command beside a slow disk: FOLDER, shown read-only at PLACE, where nothing is in the page
// cache and each request takes as long as told (tests/support/slow_mount.h). ops/bench/reading runs
// it. The mount is the command's alone, and ends with it. Needs root and /dev/fuse.
//
//   slow_disk FOLDER PLACE NAME_MS OPEN_MS READ_MS AT_ONCE COMMAND…
//
// NAME_MS: to look a file's name up; READ_MS: of up to 128 KiB; AT_ONCE: requests that are served
// at a time. Ends with the command's exit status.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/support/slow_mount.h"

int main(int argc, char** argv) {
  using photoscribe::test::SlowMount;
  if (argc < 8) {
    std::fprintf(stderr, "slow_disk FOLDER PLACE NAME_MS OPEN_MS READ_MS AT_ONCE COMMAND...\n");
    return 2;
  }
  const double name_ms = std::atof(argv[3]), open_ms = std::atof(argv[4]),
               read_ms = std::atof(argv[5]);
  const auto before = [=](SlowMount::Request what, const std::string& /*path*/) {
    const double wait_ms = what == SlowMount::Request::look_up ? name_ms
                           : what == SlowMount::Request::open  ? open_ms
                                                               : read_ms;
    if (wait_ms > 0)
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait_ms));
  };
  const auto mount = SlowMount::over(argv[2], argv[1], std::atoi(argv[6]), before);
  if (!mount) {
    std::perror("slow_disk: cannot mount (it needs root and /dev/fuse)");
    return 3;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(argv[7], argv + 7);
    std::perror(argv[7]);
    std::_Exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
