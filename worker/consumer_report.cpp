// What a worker tells of itself, for people and for a scheduler that wonders who serves its runs.
#include <unistd.h>

#include <array>
#include <utility>

#include "worker/consumer.h"

namespace photoscribe {

using namespace std::chrono_literals;

namespace {

constexpr auto kReportEvery = 500ms;  // the heart sends it once a second

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

}  // namespace

WorkerReport Consumer::self() const {
  WorkerReport report;
  report.name = config_.name;
  report.host = host_name();
  report.pid = getpid();
  report.model_hash = config_.model_hash;
  report.model_name = config_.model_name;
  report.devices = config_.devices;
  for (const auto& [name, root] : roots_) report.roots[name] = "";
  return report;
}

void Consumer::report(const std::string& why_not_ready) {
  const auto now = Clock::now();
  if (now < report_at_) return;
  report_at_ = now + kReportEvery;
  rate_.sample(now, photos_finished_);
  WorkerReport report = self();
  for (const auto& [name, root] : roots_state_) {
    if (!root.ready) report.roots[name] = root.why;
  }
  report.not_ready = why_not_ready;
  report.photos = photos_finished_;
  report.photos_per_s = rate_.per_second();
  heart_->set_report(to_json(report));
}

}  // namespace photoscribe
