#include "common/core/remove_on_signal.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <utility>

namespace photoscribe {
namespace {

constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};

// What the handler reads: complete before it can run, and unchanged until it cannot.
std::vector<std::string> doomed;
std::vector<const char*> doomed_names;
std::array<struct sigaction, kSignals.size()> before;

void remove_and_end(int signal_number) {
  for (const char* name : doomed_names) ::unlink(name);
  ::signal(signal_number, SIG_DFL);
  ::raise(signal_number);  // delivered when this handler returns
}

}  // namespace

RemoveOnSignal::RemoveOnSignal(std::vector<std::string> files) {
  doomed = std::move(files);
  doomed_names.clear();
  for (const std::string& file : doomed) doomed_names.push_back(file.c_str());
  struct sigaction action {};
  action.sa_handler = remove_and_end;
  ::sigemptyset(&action.sa_mask);
  for (const int number : kSignals) ::sigaddset(&action.sa_mask, number);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

RemoveOnSignal::~RemoveOnSignal() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &before[i], nullptr);
  }
}

}  // namespace photoscribe
