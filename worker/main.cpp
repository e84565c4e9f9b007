// photoscribe-worker: takes tasks from Redis and returns captions. Also `blur` and `check`.
#include <fcntl.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "common/core/model_folder.h"
#include "common/redis/identity.h"
#include "models/captioner.h"
#include "worker/blur_command.h"
#include "worker/check_command.h"
#include "worker/consumer.h"
#include "worker/log.h"
#include "worker/options.h"
#include "worker/thumbnail_command.h"

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

int work(const WorkerOptions& options) {
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
  PipelineConfig pipeline;
  pipeline.devices = *devices;
  pipeline.decode_threads = plan.decode;
  pipeline.decode_niceness = plan.decode_niceness;
  pipeline.batch_max = plan.batch;
  pipeline.search = model->search;
  const CaptionerFactory factory = [&options, &plan](const std::string& device,
                                                     const SearchSettings& search) {
    CaptionerConfig captioner;
    captioner.model_folder = options.model_folder;
    captioner.device = device;
    captioner.threads = plan.network;
    captioner.search = search;
    return open_captioner(captioner);
  };
  const int side_px = model->architecture.input_side_px;
  const Loader loader = [&roots, side_px](const Job& job, FileBuffer& buffer,
                                          const OnDecode& on_decode) {
    return load_task(job.task, job.run->spec, *roots, side_px, buffer, on_decode);
  };
  Consumer consumer(std::move(config), *roots, std::move(pipeline), factory, loader);
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

int run(int argc, char** argv) {
  CLI::App app("Captions the photos that a photoscribe run puts into Redis.", "photoscribe-worker");
  WorkerOptions options;
  declare_options(app, options);
  app.require_subcommand(0, 1);

  BlurCommand blur_command;
  CLI::App& blur = *app.add_subcommand("blur", "blur scores of single files, and nothing else");
  blur.add_option("files", blur_command.files, "photos")->type_name("FILE")->required();
  blur.add_flag("--json", blur_command.json, "one JSON object per file and line");
  blur.add_option("--blur-threshold", blur_command.settings.blur_threshold,
                  "a score below it is blurred")
      ->capture_default_str();
  std::string blur_mode(to_string(blur_command.settings.mode));
  blur.add_option("--blur-mode", blur_mode, "full, normalised, tile_max or edges")
      ->capture_default_str()
      ->check(CLI::IsMember({"full", "normalised", "tile_max", "edges"}));

  ThumbnailCommand thumbnail_command;
  CLI::App& thumbnails = *app.add_subcommand("thumbnails", "small JPEGs of photos, for reports");
  thumbnails.add_option("files", thumbnail_command.files, "photos")->type_name("FILE")->required();
  thumbnails.add_option("-o,--output", thumbnail_command.output, "folder for 0.jpg, 1.jpg …")
      ->type_name("DIR")
      ->required();
  thumbnails.add_option("--side", thumbnail_command.side_px, "pixels of the longer side")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));

  bool check_json = false;
  std::string check_model;
  CLI::App& check = *app.add_subcommand("check", "what this machine can do for a worker");
  check.add_flag("--json", check_json, "for machines");
  check.add_option("--model", check_model, "the model's folder")->type_name("DIR");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  blur_command.settings.mode = *blur_mode_from_string(blur_mode);
  if (blur.parsed()) return run_blur_command(blur_command, std::cout);
  if (thumbnails.parsed()) return run_thumbnail_command(thumbnail_command);
  if (check.parsed()) return run_check_command(check_model, check_json, std::cout);
  return work(options);
}

}  // namespace
}  // namespace photoscribe

int main(int argc, char** argv) {
  photoscribe::choose_blas_kernels(argv);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("worker"));
  spdlog::set_pattern("%l %v time=%Y-%m-%dT%H:%M:%S.%eZ", spdlog::pattern_time_type::utc);
  signal(SIGPIPE, SIG_IGN);
  return photoscribe::run(argc, argv);
}
