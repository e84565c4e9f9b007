// What BatchJob passes to its parts: the spec, the command lines of the workers.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/core/device_list.h"
#include "common/remote/photo_url.h"
#include "scheduler/run/batch_job.h"

namespace photoscribe {
namespace {

constexpr int kPrivateLeaseMs = 10'000;
// A worker whose connection died silently needs 5 s to notice, and 5 s to reconnect.
constexpr std::chrono::milliseconds kSilentAtLeast{12'000};

/// Explicit devices are dealt out to the workers in turn; "auto" and "cpu" go to all of them.
std::string devices_of(const std::string& devices, int index, int workers) {
  const std::vector<std::string> all =
      parse_device_list(devices).value_or(std::vector<std::string>());
  if (all.size() < 2 || workers < 2) return devices;
  const auto count = static_cast<std::size_t>(workers);
  auto at = static_cast<std::size_t>(index);
  if (count >= all.size()) return all[at % all.size()];
  std::string mine = all[at];
  for (at += count; at < all.size(); at += count) mine += "," + all[at];
  return mine;
}

}  // namespace

std::vector<std::string> worker_arguments(const RunRequest& request, const std::vector<Root>& roots,
                                          const redis::Endpoint& endpoint, int index, int workers) {
  std::vector<std::string> arguments{"--redis", redis::to_string(endpoint)};
  const bool some_remote = std::any_of(roots.begin(), roots.end(),
                                       [](const Root& root) { return is_remote(root.folder); });
  if (some_remote) arguments.insert(arguments.end(), {"--remote", to_json(request.remote)});
  for (const Root& root : roots) {
    arguments.push_back("--root");
    arguments.push_back(root.name + "=" + root.folder);
  }
  arguments.insert(
      arguments.end(),
      {"--model", request.model_folder, "--devices", devices_of(request.devices, index, workers),
       "--name-prefix", worker_name_prefix(static_cast<std::size_t>(index)), "--supervised"});
  if (request.batch > 0) {
    arguments.insert(arguments.end(), {"--batch", std::to_string(request.batch)});
  }
  if (request.threads > 0) {
    arguments.insert(arguments.end(), {"--threads", std::to_string(request.threads)});
  }
  arguments.insert(arguments.end(), request.worker_arguments.begin(),
                   request.worker_arguments.end());
  return arguments;
}

WorkerPoolSettings BatchJob::worker_settings(const redis::Endpoint& endpoint, int workers) const {
  WorkerPoolSettings settings;
  settings.note_file = request_.state_folder + "/workers.process";
  for (int i = 0; i < workers; ++i) {
    ChildCommand command;
    command.executable = request_.worker_executable;
    command.arguments = worker_arguments(request_, prepared_.roots, endpoint, i, workers);
    for (const std::string& store : prepared_.link_stores)
      command.arguments.insert(command.arguments.end(), {"--follow-links", store});
    if (redis_) {  // it has no password, and refuses one
      command.withheld = {"PHOTOSCRIBE_REDIS_PASSWORD", "PHOTOSCRIBE_REDIS_PASSWORD_FILE"};
    }
    // A worker that lacks it sets it and starts anew (models/blas.h), a tenth of a small run's CPU.
    if (std::getenv("OMP_WAIT_POLICY") == nullptr)
      command.environment.emplace_back("OMP_WAIT_POLICY=passive");
    command.log_file = request_.state_folder + "/worker-" + std::to_string(i + 1) + ".log";
    settings.commands.push_back(std::move(command));
  }
  return settings;
}

SchedulerSettings BatchJob::scheduler_settings(const redis::Endpoint& endpoint) const {
  RunRow run = prepared_.run;
  run.schedule = request_.schedule;
  run.settings = request_.settings;
  SchedulerSettings settings =
      scheduler_settings_of(run, prepared_.roots, request_.lease, request_.remembered_max);
  settings.endpoint = endpoint;
  if (request_.monitor) settings.meters = request_.monitor->meters_of(run.name);
  settings.own_workers = request_.workers > 0;
  settings.stays_open = request_.watch;
  settings.window = request_.window;
  if (redis_) {  // one machine, no network between: a dead worker's photos need not wait so long
    LeaseSettings& lease = settings.spec.lease;
    lease.lease_ms = std::min(lease.lease_ms, kPrivateLeaseMs);
    lease.beat_ms = std::min(lease.beat_ms, std::max(1, lease.lease_ms / 10));
  }
  settings.silent_after =
      std::max(kSilentAtLeast, 3 * std::chrono::milliseconds(settings.spec.lease.lease_ms));
  return settings;
}

}  // namespace photoscribe
