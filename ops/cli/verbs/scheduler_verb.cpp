// scheduler: serves the unfinished runs of a database to workers anywhere.
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/progress.h"
#include "ops/cli/run/serve_options.h"
#include "ops/cli/run/stop_signals.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/run/serve.h"

namespace photoscribe::cli {
namespace {

struct SchedulerOptions {
  explicit SchedulerOptions(CLI::App& verb) : settings(verb) {
    settings.positional("database", "database", "DB",
                        "the SQLite database (default: archive.db); created if absent");
    settings.flag("--redis", "redis.url", "URL", kRedisHelp);
    settings.remote_flags();
  }
  Settings settings;
  bool once = false;
  bool allow_stored_commands = false;
  bool no_progress = false;
  bool json = false;
  ServeOptions page;
};

Expected<ServeRequest> make_request(const SchedulerOptions& options) {
  const Expected<LoadedConfig> loaded = options.settings.load();
  if (!loaded) return fail(loaded.error());
  ServeRequest request;
  request.database = loaded->config.database;
  request.redis_url = loaded->config.redis.url;
  request.state_folder = loaded->config.state_folder;
  request.lease = loaded->config.lease;
  request.remote = loaded->config.remote;
  request.window = loaded->config.queue.window;
  request.remembered_max = loaded->config.reuse.remembered_max;
  request.once = options.once;
  request.watch_rescan_s = loaded->config.watch_rescan_s;
  request.allow_stored_commands = options.allow_stored_commands;
  if (request.redis_url.empty()) {
    return fail(Errc::usage,
                "--redis: name the server that the workers use; on one machine `photoscribe run` "
                "does it all");
  }
  return request;
}

int status_of(const ServeSummary& summary) {
  return summary.end == RunEnd::complete ? kExitDone
         : summary.end == RunEnd::killed ? kExitKilled
                                         : kExitStopped;
}

int serve(const SchedulerOptions& options) {
  Expected<ServeRequest> request = make_request(options);
  const ProgressStyle style = progress_style(options.no_progress);
  ProgressPrinter printer(STDERR_FILENO, style);
  StopHandle stop;
  const StopSignals signals(stop);
  const auto monitor = std::make_shared<RunMonitor>();
  const auto serve_beside_page = [&]() -> Expected<ServeSummary> {
    if (!request) return fail(request.error());
    const auto servers = start_side_servers(options.page, options.settings, monitor);
    if (!servers) return fail(servers.error());
    request->monitor = monitor;
    return serve_runs(*request, printer, stop);
  };
  const Expected<ServeSummary> summary = serve_beside_page();
  printer.clear();
  if (!summary) {
    const int status = report("scheduler", summary.error());
    if (options.json) {
      const nlohmann::json object{{"error", replaced(summary.error().message)},
                                  {"exit_status", status}};
      write_all(STDOUT_FILENO, object.dump() + "\n");
    }
    return status;
  }
  const int status = status_of(*summary);
  if (options.json) {
    const nlohmann::json object{{"exit_status", status},
                                {"runs_finished", summary->runs_finished},
                                {"photos", summary->photos},
                                {"pending", summary->pending}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
    return status;
  }
  write_all(STDOUT_FILENO, counted(summary->runs_finished, "run") + " finished, " +
                               counted(summary->photos, "photo") + " recorded, " +
                               grouped(summary->pending) + " to do\n");
  return status;
}

}  // namespace

void add_scheduler(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "scheduler", "serve the unfinished runs of a database to workers on any machine");
  const auto options = std::make_shared<SchedulerOptions>(*verb);
  verb->add_flag("--once", options->once, "exit when no run has work left");
  verb->add_flag("--allow-stored-commands", options->allow_stored_commands,
                 "run on-finish commands of the database whoever stored them (default: only those "
                 "that this user stored in this user's database)");
  add_serve_options(*verb, options->page, "--serve", "Page and metrics");
  verb->add_flag("--no-progress", options->no_progress, "warnings only")->group("Output");
  verb->add_flag("--json", options->json, "at the end, one JSON object on standard output")
      ->group("Output");
  verb->footer(
      "Runs are added with `photoscribe submit` and served side by side, by priority and weight;\n"
      "pause, resume, cancel, retry and drain work on them. Ctrl-C ends the scheduler alone: "
      "workers\n"
      "go on with what is in Redis, and the next scheduler records it.\n"
      "Examples:\n"
      "  photoscribe scheduler archive.db --redis rediss://queue.example:6380\n"
      "  photoscribe scheduler archive.db --redis unix:/run/redis/redis.sock --once");
  verb->callback([options, &action] { action = [options] { return serve(*options); }; });
}

}  // namespace photoscribe::cli
