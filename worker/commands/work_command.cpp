// photoscribe-worker without a verb: signals, the parent's pipe, and the parts put together.
#include "worker/commands/work_command.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/core/model_folder.h"
#include "common/redis/identity.h"
#include "common/text/escape.h"
#include "worker/commands/probes.h"
#include "worker/queue/consumer.h"
#include "worker/queue/seen_photos.h"

namespace photoscribe {
namespace {

using namespace std::chrono_literals;

constexpr int kExitUsage = 2, kExitHardStop = 130;
constexpr auto kDrainLimit = 30s;
constexpr auto kOrphanedLimit = 3s;  // the parent is gone: nobody waits for a farewell

/// Threads of this process may be stuck in a decoder or a driver; nothing is left to save.
[[noreturn]] void end_process(int code) {
  spdlog::default_logger_raw()->flush();
  std::_Exit(code);
}

int exit_code_of(const Error& error) {
  return error.code == Errc::usage ? kExitUsage : kExitEnvironment;
}

int report(const Error& error) {
  spdlog::error("msg=\"cannot start\" error={}", log_value(error.message));
  return exit_code_of(error);
}

// Signals come through a pipe and not by sigwait(): OpenBLAS starts threads before main(), which
// block nothing, and one of those would take the signal and end the process by its default action.
int stop_pipe[2] = {-1, -1};

void on_stop_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t written = write(stop_pipe[1], &byte, 1);
  errno = saved;
}

void catch_stop_signals() {
  if (pipe2(stop_pipe, O_CLOEXEC) != 0) return;  // the default action stays: it stops, uncleanly
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
}

/// First signal: drain. Second: end at once; what is in hand comes back by its lease.
void watch_signals(Consumer& consumer) {
  std::thread([&consumer] {
    for (int count = 1;; ++count) {
      unsigned char signal = 0;
      ssize_t got = 0;
      do {
        got = read(stop_pipe[0], &signal, 1);
      } while (got < 0 && errno == EINTR);
      if (got <= 0) return;
      if (count > 1) end_process(kExitHardStop);
      spdlog::info("msg=\"asked to stop; once more to stop at once\" signal={}",
                   static_cast<int>(signal));
      consumer.request_stop(kDrainLimit);
    }
  }).detach();
}

void watch_parent(Consumer& consumer) {
  std::thread([&consumer] {
    char byte = 0;
    for (;;) {
      const ssize_t got = read(STDIN_FILENO, &byte, 1);
      if (got > 0 || (got < 0 && errno == EINTR)) continue;
      break;
    }
    spdlog::warn("msg=\"the parent is gone\"");
    consumer.request_stop(kOrphanedLimit);
    std::this_thread::sleep_for(2 * kOrphanedLimit);
    end_process(kExitStopped);  // the drain itself hangs
  }).detach();
}

/// "cpu" as often as there are lanes.
std::vector<std::string> with_lanes(const std::vector<std::string>& devices, int lanes) {
  std::vector<std::string> all;
  for (const std::string& device : devices)
    all.insert(all.end(), device == "cpu" ? static_cast<std::size_t>(lanes) : 1, device);
  return all;
}

/// Opens captioners for every lane. The first on a CPU may try which precision is faster; the
/// others wait for it and take the same, so that a photo's caption does not depend on its lane.
CaptionerFactory one_precision(const CaptionerConfig& config) {
  struct Choice {
    std::mutex mutex;
    std::optional<Precision> made;
  };
  return [config, choice = std::make_shared<Choice>()](
             const std::string& device,
             const SearchSettings& search) -> Expected<std::unique_ptr<Captioner>> {
    CaptionerConfig own = config;
    own.device = device;
    own.search = search;
    std::unique_lock lock(choice->mutex);
    if (device != "cpu" || choice->made) {
      own.precision = choice->made.value_or(own.precision);
      lock.unlock();
      return open_captioner(own);
    }
    auto opened = open_captioner(own);
    if (!opened) return opened;
    choice->made = precision_from_string((*opened)->precision());
    spdlog::info("msg=\"the network is ready\" precision={}", (*opened)->precision());
    return opened;
  };
}

}  // namespace

void prepare_worker_process(char** argv) {
  choose_blas_kernels(argv);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("worker"));
  spdlog::set_pattern("%l %v time=%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc);
  signal(SIGPIPE, SIG_IGN);
}

int run_work_command(const WorkerOptions& options, const PartsChange& change) {
  catch_stop_signals();
  const auto endpoint = endpoint_of(options);
  if (!endpoint) return report(endpoint.error());
  if (options.model_folder.empty()) {
    return report(Error{Errc::usage, "--model: name the model's folder"});
  }
  const auto roots = roots_of(options);
  if (!roots) return report(roots.error());
  const auto devices = devices_of(options, available_devices());
  if (!devices) return report(devices.error());
  const auto model = read_model_folder(options.model_folder);
  if (!model) return report(model.error());
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const ThreadPlan plan = plan_threads(options, *devices, cores);

  ConsumerConfig config;
  config.endpoint = *endpoint;
  config.name = redis::new_consumer_name(options.name_prefix);
  config.model_hash = model->hash;
  config.model_name = model->name;
  config.devices = *devices;
  config.watchdog.memory_max_bytes = options.memory_max_bytes;
  PipelineConfig pipeline;
  pipeline.devices = with_lanes(*devices, plan.lanes);
  pipeline.decode_threads = plan.decode;
  pipeline.decoding_max = plan.decoding_max;
  pipeline.read_ahead = plan.read_ahead;
  pipeline.decode_niceness = plan.decode_niceness;
  pipeline.batch_max = plan.batch;
  pipeline.search = model->search;
  WorkerParts parts;
  CaptionerConfig captioner;
  captioner.model_folder = options.model_folder;
  captioner.threads = plan.network;
  captioner.precision = options.precision;
  parts.factory = one_precision(captioner);
  const int side_px = model->architecture.input_side_px;
  SeenPhotos seen(*endpoint, config.name + "-seen");
  parts.loader = [&roots, &seen, side_px](const Job& job, FileBuffer& buffer,
                                          const OnDecode& on_decode) {
    AskSeen ask;
    if (job.run->spec.remembers) {
      ask = [&](const ContentHash& hash) { return seen.ask(job.run->incarnation, hash); };
    }
    return begin_load(job.task, job.run->spec, *roots, side_px, buffer, on_decode, ask);
  };
  if (change) parts = change(std::move(parts));
  Consumer consumer(std::move(config), *roots, std::move(pipeline), std::move(parts.factory),
                    std::move(parts.loader));
  const auto probes = start_probes(options.http, consumer);
  if (!probes) return report(probes.error());
  watch_signals(consumer);
  if (options.supervised) watch_parent(consumer);
  spdlog::info("msg=\"worker started\" model={} devices={} decode_threads={} batch={} redis={}",
               model->hash.substr(0, 12), log_value(CLI::detail::join(*devices)), plan.decode,
               plan.batch, log_value(redis::to_string(*endpoint)));
  const Ending ending = consumer.run();
  if (ending.code != kExitStopped) {
    spdlog::error("msg=\"worker ends\" exit={} why={}", ending.code, log_value(ending.why));
  }
  end_process(ending.code);
}

}  // namespace photoscribe
