#include "ops/cli/run/stop_signals.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {
namespace {

std::atomic<StopHandle*> stop_target{nullptr};
bool stop_text_on_terminal = false, stop_prints = true;

void write_quietly(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // there is no reader any more
}

void on_signal(int /*number*/) {
  StopHandle* const stop = stop_target.load();
  if (stop == nullptr) return;
  const int saved = errno;
  stop->request();
  if (!stop_prints) {
    errno = saved;
    return;
  }
  if (stop_text_on_terminal) write_quietly("\r\x1b[K");
  if (stop->requests() == 1) {
    write_quietly(
        "stopping: work in hand is finished and recorded, the rest handed back; again to stop at "
        "once\n");
  } else {
    write_quietly("stopping at once\n");
  }
  errno = saved;
}

}  // namespace

StopSignals::StopSignals(StopHandle& stop, Messages messages) {
  stop_target = &stop;
  stop_prints = messages == Messages::print;
  stop_text_on_terminal = is_terminal(STDERR_FILENO);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    now = {};
    now.sa_handler = on_signal;
    now.sa_flags = SA_RESTART;
    sigemptyset(&now.sa_mask);
    sigaction(number, &now, nullptr);
  }
}

StopSignals::~StopSignals() { stop_target = nullptr; }

}  // namespace photoscribe::cli
