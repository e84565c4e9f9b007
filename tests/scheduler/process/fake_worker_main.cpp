// The program that tests of run_batch() start as photoscribe-worker: takes its arguments, speaks
// the queue's protocol, captions nothing, and dies when told to.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/scheduler/process/fake_worker.h"

namespace {

struct Behaviour {
  photoscribe::test::FakeWorkerSettings worker;
  std::int64_t poison = -1;  // --poison ID: dies with this image in hand
  int exit_at_once = -1;     // --exit CODE
};

Behaviour parse(const std::vector<std::string>& words) {
  Behaviour behaviour;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& value = words[i + 1];
    if (words[i] == "--redis") behaviour.worker.url = value;
    if (words[i] == "--name-prefix") behaviour.worker.name_prefix = value;
    if (words[i] == "--batch") behaviour.worker.batch = std::stoi(value);
    if (words[i] == "--slow-ms") {
      behaviour.worker.per_batch = std::chrono::milliseconds(std::stoi(value));
    }
    if (words[i] == "--slow-while") behaviour.worker.slow_while = value;
    if (words[i] == "--poison") behaviour.poison = std::stoll(value);
    if (words[i] == "--exit") behaviour.exit_at_once = std::stoi(value);
  }
  return behaviour;
}

}  // namespace

int main(int argc, char** argv) {
  Behaviour behaviour = parse(std::vector<std::string>(argv + 1, argv + argc));
  std::fprintf(stderr, "info msg=\"fake worker\" arguments=%d\n", argc);
  if (behaviour.exit_at_once >= 0) {
    std::fprintf(stderr, "error msg=\"cannot find the model\"\n");
    return behaviour.exit_at_once;
  }
  behaviour.worker.in_hand = [&](const std::vector<photoscribe::Task>& tasks) {
    for (const photoscribe::Task& task : tasks) {
      if (task.image_id == behaviour.poison) std::raise(SIGKILL);
    }
  };
  boost::asio::io_context io{1};
  photoscribe::test::FakeWorker worker(io, behaviour.worker);
  boost::asio::signal_set signals(io, SIGTERM);
  boost::asio::posix::stream_descriptor parent(io, ::dup(STDIN_FILENO));
  char byte = 0;
  signals.async_wait([&](auto, int) { worker.stop(); });
  parent.async_read_some(boost::asio::buffer(&byte, 1), [&](auto, std::size_t) { worker.stop(); });
  boost::asio::co_spawn(io, worker.work(), [&](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    signals.cancel();
    parent.close();
  });
  io.run();
  return 0;
}
