#include "models/train/progress/stop.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace photoscribe {
namespace {

constexpr int kExitKilled = 130;

std::atomic<int> requests{0};
static_assert(std::atomic<int>::is_always_lock_free);

void write_quietly(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // no one left to tell
}

void on_signal(int /*number*/) {
  const int saved = errno;
  if (++requests > 1) ::_exit(kExitKilled);
  write_quietly("stopping, and keeping what is done; again to stop at once\n");
  errno = saved;
}

}  // namespace

void stop_on_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    now = {};
    now.sa_handler = on_signal;
    now.sa_flags = SA_RESTART;
    sigemptyset(&now.sa_mask);
    ::sigaction(number, &now, nullptr);
  }
}

bool stop_requested() noexcept { return requests > 0; }

}  // namespace photoscribe
