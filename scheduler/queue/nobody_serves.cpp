#include "scheduler/queue/nobody_serves.h"

#include <algorithm>
#include <utility>

#include "common/core/join.h"

namespace photoscribe {
namespace {

constexpr std::size_t kReasonsTold = 4;

/// What the worker lacks; empty: nothing.
std::string lack_of(const RunSpec& spec, const SeenWorker& worker) {
  if (const auto why = why_not_join(spec, worker.report)) return *why;
  if (worker.report.starting) return {};
  std::string unread;
  std::size_t ready = 0;
  for (const std::string& name : spec.roots) {
    const std::string& why = worker.report.roots.at(name);
    ready += why.empty() ? 1 : 0;
    if (!why.empty()) unread += (unread.empty() ? "root " : "; root ") + name + ": " + why;
  }
  if (!spec.roots.empty() && ready == 0) return unread;
  return worker.report.not_ready;
}

std::string names_of(const WorkerReport& worker) {
  return worker.name + " (host " + worker.host + ", process " + std::to_string(worker.pid) + ")";
}

std::string wanted(const RunSpec& spec) {
  const std::string& model_name = spec.settings.model_name;
  std::string text = "a worker with the model " + (model_name.empty() ? "" : model_name + " ") +
                     short_hash(spec.settings.model_hash);
  std::string roots;
  for (const std::string& name : spec.roots) roots += (roots.empty() ? " " : ", ") + name;
  if (spec.roots.empty()) return text;
  return text + " and the root" + (spec.roots.size() > 1 ? "s" : "") + roots;
}

}  // namespace

bool can_serve(const RunSpec& spec, const SeenWorker& worker) {
  return is_present(worker) && lack_of(spec, worker).empty();
}

std::optional<std::string> why_nobody_serves(const RunSpec& spec,
                                             const std::vector<SeenWorker>& fleet) {
  std::vector<std::pair<std::string, std::vector<const WorkerReport*>>> reasons;
  std::size_t present = 0;
  for (const SeenWorker& worker : fleet) {
    if (!is_present(worker)) continue;
    if (can_serve(spec, worker)) return std::nullopt;
    ++present;
    const std::string lack = lack_of(spec, worker);
    const auto known = std::find_if(reasons.begin(), reasons.end(),
                                    [&](const auto& one) { return one.first == lack; });
    auto& of = known == reasons.end()
                   ? reasons.emplace_back(lack, std::vector<const WorkerReport*>())
                   : *known;
    of.second.push_back(&worker.report);
  }
  const std::string head = "it needs " + wanted(spec);
  if (present == 0) {
    std::string options;
    for (const std::string& name : spec.roots) options += " --root " + name + "=FOLDER";
    return head + "; there is no worker: start photoscribe worker --redis URL" + options;
  }
  std::string text = head + "; ";
  text += present == 1 ? "the only worker cannot serve it"
                       : "none of the " + std::to_string(present) + " workers can serve it";
  for (std::size_t i = 0; i < std::min(kReasonsTold, reasons.size()); ++i) {
    const auto& [lack, workers] = reasons[i];
    text += "; " + names_of(*workers.front());
    if (workers.size() > 1) text += " and " + std::to_string(workers.size() - 1) + " more";
    text += ": " + lack;
  }
  if (reasons.size() > kReasonsTold) text += "; and others, for other reasons";
  return text;
}

}  // namespace photoscribe
