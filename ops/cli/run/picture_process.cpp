#include "ops/cli/run/picture_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/core/file_descriptor.h"
#include "ops/cli/config/locate.h"
#include "scheduler/process/program.h"

namespace photoscribe::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPictureLimit{60};
constexpr std::size_t kPictureBytesMax = 16 << 20;
constexpr int kNiceness = 10;
constexpr std::int64_t kCancelPollMs = 100;

/// Waits until `descriptor` can be read or written; false after `until`, and soon after
/// `cancelled` is set.
bool wait_for(int descriptor, short what, Clock::time_point until,
              const std::atomic<bool>& cancelled) {
  while (!cancelled) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{descriptor, what, 0};
    const int ready =
        poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, kCancelPollMs)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

class PictureProcess : public serve::PictureMaker {
 public:
  explicit PictureProcess(const Config& config) : config_(config) {
    // A worker that died must not kill this process. This is the thread that writes to it.
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, nullptr);
  }
  PictureProcess(const PictureProcess&) = delete;
  PictureProcess& operator=(const PictureProcess&) = delete;
  ~PictureProcess() override { suspend(); }

  Expected<std::string> make(const serve::PictureRequest& request) override {
    if (child_ < 0) {
      if (Status started = start(); !started) return fail(started.error());
    }
    const auto until = Clock::now() + kPictureLimit;
    std::string picture;
    if (ask(request, until) && answer(picture, until)) return picture;
    suspend();  // this photo has no picture; the next one gets a new process
    return std::string();
  }

  void cancel() noexcept override { cancelled_ = true; }

  void suspend() override {
    if (child_ < 0) return;
    to_.reset();
    from_.reset();
    kill(child_, SIGKILL);
    reap(std::exchange(child_, -1));
  }

 private:
  Status start() {
    const Expected<std::string> worker = find_worker(config_);
    if (!worker) return fail(worker.error());
    Pipe in = open_pipe(), out = open_pipe();
    if (!in.read.valid() || !out.read.valid()) {
      return fail(Errc::environment, std::string("pictures: pipe: ") + std::strerror(errno));
    }
    ProgramOptions options;
    options.executable = *worker;
    options.words = thumbnails_command(*worker, config_);
    options.words.emplace_back("--stdin");
    options.group = ProgramOptions::Group::own;
    options.dies_with_parent = true;
    child_ = Program(std::move(options)).start({in.read.get(), out.write.get(), -1});
    if (child_ < 0) return fail(Errc::environment, *worker + ": " + std::strerror(errno));
    setpriority(PRIO_PROCESS, static_cast<id_t>(child_), kNiceness);
    to_ = std::move(in.write);
    from_ = std::move(out.read);
    buffer_.clear();
    return {};
  }

  bool ask(const serve::PictureRequest& request, Clock::time_point until) {
    std::string text = std::to_string(request.side_px) + " " + request.file;
    text += '\0';
    for (std::size_t sent = 0; sent < text.size();) {
      if (!wait_for(to_.get(), POLLOUT, until, cancelled_)) return false;
      const ssize_t size = write(to_.get(), text.data() + sent, text.size() - sent);
      if (size < 0 && errno != EINTR) return false;
      if (size > 0) sent += static_cast<std::size_t>(size);
    }
    return true;
  }

  /// Reads on; false at the end of the stream.
  bool more(Clock::time_point until) {
    if (!wait_for(from_.get(), POLLIN, until, cancelled_)) return false;
    std::array<char, 65536> chunk{};
    const ssize_t size = read(from_.get(), chunk.data(), chunk.size());
    if (size > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(size));
    return size > 0 || (size < 0 && errno == EINTR);
  }

  bool answer(std::string& picture, Clock::time_point until) {
    std::size_t line = std::string::npos;
    while ((line = buffer_.find('\n')) == std::string::npos) {
      if (buffer_.size() > 20 || !more(until)) return false;
    }
    std::size_t bytes = 0;
    const auto [end, wrong] = std::from_chars(buffer_.data(), buffer_.data() + line, bytes);
    if (wrong != std::errc{} || end != buffer_.data() + line || bytes > kPictureBytesMax) {
      return false;
    }
    while (buffer_.size() < line + 1 + bytes) {
      if (!more(until)) return false;
    }
    picture = buffer_.substr(line + 1, bytes);
    buffer_.erase(0, line + 1 + bytes);
    return true;
  }

  const Config config_;
  std::atomic<bool> cancelled_ = false;
  pid_t child_ = -1;
  FileDescriptor to_, from_;
  std::string buffer_;  // read but not used yet
};

}  // namespace

std::unique_ptr<serve::PictureMaker> new_picture_maker(const Config& config) {
  return std::make_unique<PictureProcess>(config);
}

}  // namespace photoscribe::cli
