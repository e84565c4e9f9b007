#include "scheduler/process/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/core/file_descriptor.h"
#include "common/text/safe_text.h"

namespace photoscribe {
namespace {

constexpr int kFailure = 3;  // in the child: tells why it did not become the program

bool is_executable(const std::string& path) {
  struct ::stat is {};
  return ::stat(path.c_str(), &is) == 0 && S_ISREG(is.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// As exec(2) wants them. The strings stay where they are.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// False: see errno. The sources are moved out of the way first: they may be among 0, 1 and 2.
bool place(Streams streams) noexcept {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  int sources[3] = {streams.in, streams.out, streams.err};
  for (int& source : sources) {
    if (source < 0 && nothing < 0) return false;
    source = ::fcntl(source >= 0 ? source : nothing, F_DUPFD_CLOEXEC, kFailure + 1);
    if (source < 0) return false;
  }
  for (int number = 0; number < 3; ++number) {
    if (::dup2(sources[number], number) < 0) return false;
  }
  return true;
}

[[noreturn]] void tell_failure(int descriptor) noexcept {
  const int error = errno;
  (void)!::write(descriptor, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

std::vector<std::string> own_environment(const std::function<bool(std::string_view)>& keeps) {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (keeps(*entry)) kept.emplace_back(*entry);
  }
  return kept;
}

std::string find_executable(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_executable(name) ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string folder = rest.substr(0, colon);
    std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_executable(candidate)) return candidate;
    if (colon == std::string::npos) break;
    rest.erase(0, colon + 1);
  }
  return "";
}

Program::Program(ProgramOptions options) : options_(std::move(options)) {
  if (options_.search_path && options_.executable.find('/') == std::string::npos)
    options_.executable = find_executable(options_.executable);  // empty: no such file
  argv_ = pointers(options_.words);
  environment_ = pointers(options_.environment);
}

pid_t Program::start(Streams streams) const noexcept {
  Pipe failure = open_pipe();
  if (!failure.read.valid()) return -1;
  const pid_t parent = ::getpid();
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  const pid_t child = ::fork();
  if (child == 0) become(streams, failure.write.get(), parent);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return -1;
  failure.write.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure.read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof error) return child;  // the pipe was closed by exec
  reap(child);
  errno = error;
  return -1;
}

void Program::become(Streams streams, int failure, pid_t parent) const noexcept {
  using Group = ProgramOptions::Group;
  if (options_.group == Group::own) ::setpgid(0, 0);
  if (options_.group == Group::own_session) ::setsid();
  if (options_.dies_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it died before the line above
  }
  failure = ::fcntl(failure, F_DUPFD_CLOEXEC, kFailure + 1);
  if (!place(streams)) tell_failure(failure);
  ::dup3(failure, kFailure, O_CLOEXEC);
  close_descriptors_from(kFailure + 1);
  reset_signals();
  if (options_.ignores_hangup) ::signal(SIGHUP, SIG_IGN);
  ::execve(options_.executable.c_str(), argv_.data(), environment_.data());
  tell_failure(kFailure);
}

Error become_program(std::vector<std::string> words) {
  ::execv(words.front().c_str(), pointers(words).data());
  return {Errc::environment, shown(words.front()) + ": " + std::strerror(errno)};
}

int reap(pid_t child) noexcept {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int shell_status_of(int wait_status) noexcept {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void reset_signals() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_descriptors_from(int first) noexcept {
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, 0U) == 0) return;
  rlimit limit{};  // a kernel before 5.9, or one that may not be asked
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  for (auto number = static_cast<rlim_t>(first); number < limit.rlim_cur; ++number)
    ::close(static_cast<int>(number));
}

}  // namespace photoscribe
