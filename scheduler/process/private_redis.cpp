#include "scheduler/process/private_redis.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/process/private_folder.h"
#include "scheduler/process/program.h"
#include "scheduler/process/redis_watcher.h"

namespace photoscribe {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kSocketPathMax = sizeof(sockaddr_un::sun_path) - 1;  // 107 on Linux
constexpr auto kStartLimit = std::chrono::seconds(20);

std::string note_path(const std::string& state_folder) { return state_folder + "/redis.process"; }
std::string log_path(const std::string& state_folder) { return state_folder + "/redis.log"; }

Expected<std::string> find_server(const std::string& name) {
  std::string found = find_executable(name);
  if (found.empty() && name == "redis-server") found = find_executable("valkey-server");
  if (!found.empty()) return found;
  return fail(Errc::environment,
              name +
                  ": not found. Install it (Debian: apt-get install redis-server), or name a "
                  "running server with --redis");
}

/// Stops a server that a killed run left, and removes its folder. The note says which: it is ours
/// only while process id, start time and boot all agree.
void stop_left_over(const std::string& state_folder, const std::string& executable) {
  std::istringstream note(read_private_file(note_path(state_folder)));
  std::string line, folder;
  while (std::getline(note, line)) {
    if (line.rfind("folder ", 0) == 0) folder = line.substr(7);
    if (line.rfind("process ", 0) != 0) continue;
    if (const auto process = process_from_line(line.substr(8))) {
      kill_process(*process, {program_name(executable), "redis-server", "valkey-server",
                              program_name_of(::getpid())});
    }
  }
  const bool ours = folder.find("/photoscribe-") != std::string::npos;
  if (ours) {  // only what we put there; never a recursive removal by a path read from a file
    ::unlink((folder + "/redis.sock").c_str());
    ::rmdir(folder.c_str());
  }
  ::unlink(note_path(state_folder).c_str());
}

bool answers_ping(const std::string& path) {
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // shorter than kSocketPathMax
  char answer[8] = {};
  const int handle = socket.get();
  if (::connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      !peer_is_ours(handle) ||  // whatever became of the folder's name
      ::send(handle, "PING\r\n", 6, MSG_NOSIGNAL) != 6) {
    return false;
  }
  pollfd ready{handle, POLLIN, 0};
  return ::poll(&ready, 1, 1'000) == 1 && ::read(handle, answer, sizeof answer) >= 5 &&
         std::memcmp(answer, "+PONG", 5) == 0;
}

}  // namespace

Expected<std::string> make_socket_folder() {
  std::string tried;
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR", ""}) {
    const char* value = *variable != '\0' ? std::getenv(variable) : "/tmp";
    if (value == nullptr || *value != '/') continue;
    std::string folder = std::string(value) + "/photoscribe-XXXXXX";
    if (folder.size() + std::strlen("/redis.sock") > kSocketPathMax) continue;
    if (::mkdtemp(folder.data()) != nullptr) return folder;  // made with mode 0700
    tried += (tried.empty() ? "" : ", ") + std::string(value) + ": " + std::strerror(errno);
  }
  return fail(Errc::environment, "no folder for the private Redis socket (" + tried +
                                     "): set TMPDIR to a short, writable path");
}

Expected<PrivateRedis> PrivateRedis::start(const PrivateRedisOptions& options) {
  auto executable = find_server(options.executable);
  if (!executable) return fail(executable.error());
  stop_left_over(options.state_folder, *executable);
  auto folder = make_socket_folder();
  if (!folder) return fail(folder.error());
  PrivateRedis redis(options);
  redis.options_.executable = *executable;
  redis.folder_ = *folder;
  if (Status launched = redis.launch(); !launched) return fail(launched.error());
  return redis;
}

Status PrivateRedis::launch() {
  RedisLaunch launch;
  launch.executable = options_.executable;
  launch.folder = folder_;
  launch.log_file = log_path(options_.state_folder);
  auto started = launch_watched_redis(launch);
  if (!started) return fail(started.error());
  watcher_ = started->watcher;
  server_ = started->server;
  life_write_ = std::move(started->life_write);
  std::string note = "folder " + folder_ + "\n";
  for (const pid_t pid : {watcher_, server_}) {
    if (const auto process = identify_process(pid)) note += "process " + to_line(*process) + "\n";
  }
  // For the next run, should this one be killed: a full disk is no reason to do without a server.
  (void)write_private_file(note_path(options_.state_folder), note);
  return wait_until_it_answers();
}

Status PrivateRedis::wait_until_it_answers() {
  const auto limit = std::chrono::steady_clock::now() + kStartLimit;
  while (!answers_ping(socket_path())) {
    if (!running() || std::chrono::steady_clock::now() > limit) {
      stop();
      return fail(Errc::environment,
                  options_.executable + " did not start: read " + log_path(options_.state_folder));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it takes about 10 ms
  }
  return {};
}

bool PrivateRedis::running() {
  if (watcher_ <= 0) return false;
  const pid_t ended = ::waitpid(watcher_, nullptr, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return true;
  watcher_ = -1;
  return false;
}

Status PrivateRedis::restart() {
  stop();
  return launch();
}

void PrivateRedis::stop() noexcept {
  life_write_.reset();
  if (watcher_ > 0) reap(watcher_);
  watcher_ = -1;
  server_ = -1;
}

PrivateRedis::PrivateRedis(PrivateRedis&& other) noexcept
    : options_(std::move(other.options_)),
      folder_(std::exchange(other.folder_, {})),
      watcher_(std::exchange(other.watcher_, -1)),
      server_(std::exchange(other.server_, -1)),
      life_write_(std::move(other.life_write_)) {}

PrivateRedis::~PrivateRedis() {
  stop();
  if (folder_.empty()) return;
  ::unlink(socket_path().c_str());
  ::rmdir(folder_.c_str());
  ::unlink(note_path(options_.state_folder).c_str());
}

}  // namespace photoscribe
