#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/core/model_folder.h"
#include "ops/cli/exit_status.h"
#include "ops/cli/locate.h"
#include "ops/cli/progress.h"
#include "ops/cli/run_summary.h"
#include "ops/cli/safe_text.h"
#include "ops/cli/settings.h"
#include "ops/cli/terminal.h"
#include "ops/cli/verbs.h"
#include "ops/cli/workers_here.h"
#include "scheduler/run_batch.h"

namespace photoscribe::cli {
namespace {

struct RunOptions {
  explicit RunOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  RunRequest request;  // the fields that are no setting
  bool no_progress = false;
  bool json = false;
};

// --- signals: the first drains, the second ends at once ---

std::atomic<StopHandle*> stop_target{nullptr};
bool stop_text_on_terminal = false;

void write_quietly(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody is left to tell
}

void on_signal(int /*number*/) {
  StopHandle* const stop = stop_target.load();
  if (stop == nullptr) return;
  const int saved = errno;
  stop->request();
  if (stop_text_on_terminal) write_quietly("\r\x1b[K");
  if (stop->requests() == 1) {
    write_quietly(
        "stopping: what is in hand is finished and recorded, the rest is handed back; once more "
        "stops at once\n");
  } else {
    write_quietly("stopping at once\n");
  }
  errno = saved;
}

/// Directs SIGINT, SIGTERM and SIGHUP to a StopHandle while it lives. A signal that was ignored
/// when we were started (nohup) stays ignored.
class SignalsTo {
 public:
  explicit SignalsTo(StopHandle& stop) {
    stop_target = &stop;
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
  ~SignalsTo() { stop_target = nullptr; }
  SignalsTo(const SignalsTo&) = delete;
  SignalsTo& operator=(const SignalsTo&) = delete;
};

/// The request, complete: what was typed, the configuration, the model.
Expected<RunRequest> make_request(const RunOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return fail(loaded.error());
  const Config& config = loaded->config;
  std::error_code ignored;
  if (options.request.photos.empty() && !std::filesystem::exists(config.database, ignored)) {
    return fail(Errc::usage, "name a folder of photos, such as: photoscribe run PHOTOS -o " +
                                 shell_quoted(config.database) +
                                 " (that database does not exist, "
                                 "so there is no run to go on with)");
  }
  const Expected<std::string> model_folder = find_model_folder(config);
  if (!model_folder) return fail(model_folder.error());
  const Expected<ModelFolder> model = read_model_folder(*model_folder);
  if (!model) return fail(model.error());
  const Expected<std::string> worker = find_worker(config);
  if (!worker && !options.request.dry_run) return fail(worker.error());

  RunRequest request = options.request;
  request.database = config.database;
  request.model_folder = std::filesystem::absolute(*model_folder).string();
  request.model_hash = model->hash;
  request.confidence = model->confidence;
  request.search = apply(config.search, model->search);
  request.blur = config.blur;
  request.limits = config.limits;
  request.lease = config.lease;
  request.window = config.queue.window;
  request.schedule = config.schedule;
  request.worker_executable = worker.value_or("");
  const WorkerPlan plan = plan_workers(config.worker, usable_gpus(request.worker_executable));
  request.devices = plan.devices;
  request.workers = plan.count;
  request.batch = config.worker.batch.value_or(0);
  request.threads = config.worker.threads.value_or(0);
  if (config.worker.memory_max) {
    request.worker_arguments.insert(request.worker_arguments.end(),
                                    {"--memory-max", std::to_string(*config.worker.memory_max)});
  }
  request.redis_url = config.redis.url;
  request.redis_server_executable = config.redis.server_executable;
  request.state_folder = config.state_folder;
  return request;
}

int failed(const RunOptions& options, const Error& error) {
  const int status = report("run", error);
  if (options.json) {
    const nlohmann::json object{{"error", replaced(error.message)}, {"exit_status", status}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
  }
  return status;
}

int run(const RunOptions& options) {
  const Expected<RunRequest> request = make_request(options);
  if (!request) return failed(options, request.error());
  const ProgressStyle style = options.no_progress          ? ProgressStyle::silent
                              : is_terminal(STDERR_FILENO) ? ProgressStyle::live
                                                           : ProgressStyle::lines;
  ProgressPrinter printer(STDERR_FILENO, style);
  StopHandle stop;
  const SignalsTo signals(stop);
  const Expected<RunSummary> summary = run_batch(*request, printer, stop);
  printer.clear();
  if (!summary) return failed(options, summary.error());
  const int status = exit_status_of(*summary);
  const std::string text = options.json ? summary_json(*summary, status)
                                        : summary_text(*summary, request->blur.blur_threshold,
                                                       command_line(), Ink::of(STDOUT_FILENO));
  write_all(STDOUT_FILENO, text);
  return status;
}

void add_photo_options(CLI::App& verb, RunOptions& options) {
  RunRequest& request = options.request;
  verb.add_option("photos", request.photos,
                  "folders and photos; none: those of the run in the database again")
      ->type_name("PHOTOS");
  const std::string group = "Which photos";
  // One word each: `--include *.jpg PHOTOS` must not take PHOTOS for a second pattern.
  verb.add_option("--include", request.include,
                  "only photos whose name or relative path matches (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--exclude", request.exclude,
                  "leave out what matches, folders too; wins over --include (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_flag("--all-files", request.all_files,
                "try files of any extension, not only those of images")
      ->group(group);
  verb.add_option("--split", request.split_file,
                  "only the photos that this list names, one file name a line; or a split by its\n"
                  "name (train, val, test) where --references has splits")
      ->type_name("LIST")
      ->group(group);
  verb.add_option("--limit", request.limit, "stop looking after N photos")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->group(group);
  verb.add_option(
          "--references", request.references_file,
          "reference captions: Flickr8k.token.txt, Flickr30k's .token, Kaggle's captions.txt,\n"
          "Karpathy's dataset_*.json, COCO's captions_*.json, or JSON Lines")
      ->type_name("FILE")
      ->group(group);
}

void add_again_options(CLI::App& verb, RunOptions& options) {
  RunRequest& request = options.request;
  const std::string group = "The same photos again";
  verb.add_flag("--retry-failed", request.retry_failed, "give failed photos another attempt")
      ->group(group);
  verb.add_flag(
          "--redo", request.redo,
          "caption the photos named anew, with the settings given now (another model or beam)")
      ->group(group);
  verb.add_option("--new-run", request.run,
                  "a run of its own beside the others in the database (default: default)")
      ->type_name("NAME")
      ->group(group);
  verb.add_flag("--dry-run", request.dry_run, "count what there is to do; write and start nothing")
      ->group(group);
}

void add_setting_options(RunOptions& options) {
  Settings& s = options.settings;
  s.flag("-o,--output", "database", "DB", "the SQLite database (default: archive.db)");
  const std::string model = "Model and verdict", machine = "Machine";
  s.flag("--model", "model", "fast|best|FOLDER",
         "a model that came along, or a model's folder (default: fast)")
      ->group(model);
  s.flag("--blur-threshold", "blur.blur_threshold", "SCORE",
         "photos that score below it are blurred and get no caption (default: 100)")
      ->group(model);
  s.flag("--blur-mode", "blur.mode", "MODE", "full, normalised, tile_max or edges (default: full)")
      ->group(model);
  s.flag("--beam", "search.beam", "N",
         "hypotheses kept per photo; 1 is greedy and fastest (default: the model's)")
      ->group(model);
  s.flag("--workers", "worker.count", "N", "worker processes here (default: one per GPU, else one)")
      ->group(machine);
  s.flag("--devices", "worker.devices", "LIST", "auto, cpu or cuda:0,cuda:1 (default: auto)")
      ->group(machine);
  s.flag("--batch", "worker.batch", "N", "photos per call of the network (default: chosen here)")
      ->group(machine);
  s.flag("--memory-max", "worker.memory_max", "SIZE",
         "memory a worker may hold, such as 2GiB, before a fresh one takes its place")
      ->group(machine);
  const std::string when = "When and how fast";
  s.flag("--rate", "schedule.rate_per_s", "N",
         "photos begun per second at most, by all workers together")
      ->group(when);
  s.flag("--between", "schedule.between", "HH:MM-HH:MM",
         "work in these hours of the day only, such as 22:00-06:00 (local time); out of them\n"
         "work is handed back and workers end")
      ->group(when);
  s.flag("--on-finish", "schedule.on_finish", "CMD|URL",
         "called when the run ends: a command (no shell; quotes group words) that finds\n"
         "PHOTOSCRIBE_RUN_END, …_NAME, …_DONE, …_FAILED and more in its environment, or an\n"
         "http(s):// address that gets them as JSON by POST; a minute at most")
      ->group(when);
  s.flag("--redis", "redis.url", "URL",
         "redis://HOST:PORT, rediss://…, redis+sentinel://HOST,HOST/SERVICE or unix:PATH\n"
         "instead of a private server;\n"
         "its password: PHOTOSCRIBE_REDIS_PASSWORD or PHOTOSCRIBE_REDIS_PASSWORD_FILE")
      ->group(machine);
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("run", "caption photos: the main job, on one machine");
  const auto options = std::make_shared<RunOptions>(*verb);
  add_photo_options(*verb, *options);
  add_setting_options(*options);
  add_again_options(*verb, *options);
  verb->add_flag("--no-progress", options->no_progress, "warnings and the summary only")
      ->group("Output");
  verb->add_flag("--json", options->json, "the summary as one JSON object on standard output")
      ->group("Output");
  verb->footer(
      "Examples:\n"
      "  photoscribe run ~/Pictures                          captions into archive.db here\n"
      "  photoscribe run news/ social/ -o 2026.db --workers 2\n"
      "  photoscribe run Flickr8k/images --references Flickr8k.token.txt \\\n"
      "                  --split Flickr_8k.devImages.txt -o dev.db\n"
      "  photoscribe run -o 2026.db --retry-failed           the run's failed photos once more\n"
      "The same command again goes on where it stopped: new and changed photos are done, finished\n"
      "ones are not done twice. Ctrl-C hands work back and stops; twice stops at once.\n"
      "photoscribe pause, resume, cancel, retry and drain steer it from another terminal.");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace photoscribe::cli
