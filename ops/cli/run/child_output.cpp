#include "ops/cli/run/child_output.h"

#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/core/file_descriptor.h"
#include "common/text/safe_text.h"
#include "scheduler/process/program.h"

namespace photoscribe::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kKeptBytes = 1 << 20;

/// Reads what is available; false at the end of the stream.
bool take(int descriptor, std::string& into) {
  std::array<char, 4096> chunk{};
  const ssize_t size = read(descriptor, chunk.data(), chunk.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = kKeptBytes - std::min(kKeptBytes, into.size());
  into.append(chunk.data(), std::min(room, static_cast<std::size_t>(size)));
  return size > 0;
}

/// True when both streams ended before the deadline.
bool drain(const Pipe& out, const Pipe& err, ChildOutput& output, Clock::time_point deadline) {
  std::array<pollfd, 2> waiting{{{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    if (poll(waiting.data(), waiting.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
      return false;
    }
    if (waiting[0].revents != 0 && !take(out.read.get(), output.out)) waiting[0].fd = -1;
    if (waiting[1].revents != 0 && !take(err.read.get(), output.err)) waiting[1].fd = -1;
  }
  return true;
}

}  // namespace

Expected<ChildOutput> run_child(const std::vector<std::string>& words,
                                std::chrono::milliseconds timeout) {
  const std::string name = shown(words.front());
  Pipe out = open_pipe(), err = open_pipe();
  if (!out.read.valid() || !err.read.valid()) {
    return fail(Errc::environment, name + ": pipe: " + std::strerror(errno));
  }
  ProgramOptions options;
  options.executable = words.front();
  options.search_path = true;
  options.words = words;
  const pid_t child = Program(std::move(options)).start({-1, out.write.get(), err.write.get()});
  if (child < 0) return fail(Errc::environment, name + ": " + std::strerror(errno));
  out.write.reset();
  err.write.reset();

  ChildOutput output;
  const bool ended = drain(out, err, output, Clock::now() + timeout);
  if (!ended) kill(child, SIGKILL);
  output.exit_status = shell_status_of(reap(child));
  if (!ended) {
    return fail(Errc::environment,
                name + ": no answer within " + std::to_string(timeout.count()) + " ms");
  }
  return output;
}

}  // namespace photoscribe::cli
