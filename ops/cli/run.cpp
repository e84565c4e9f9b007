#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ops/cli/exit_status.h"
#include "ops/cli/progress.h"
#include "ops/cli/run_options.h"
#include "ops/cli/run_summary.h"
#include "ops/cli/safe_text.h"
#include "ops/cli/stop_signals.h"
#include "ops/cli/terminal.h"
#include "ops/cli/verbs.h"
#include "scheduler/run_batch.h"

namespace photoscribe::cli {
namespace {

int failed(const RunOptions& options, const Error& error) {
  const int status = report("run", error);
  if (options.json) {
    const nlohmann::json object{{"error", replaced(error.message)}, {"exit_status", status}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
  }
  return status;
}

int run(const RunOptions& options) {
  const Expected<RunRequest> request = make_request(options, RunVerb::run);
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

}  // namespace

void add_run(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("run", "caption photos: the main job, on one machine");
  const auto options = std::make_shared<RunOptions>(*verb);
  add_photo_options(*verb, *options);
  add_setting_options(*options, RunVerb::run);
  add_again_options(*verb, *options);
  verb->add_flag("--dry-run", options->request.dry_run,
                 "count what there is to do; write and start nothing")
      ->group("The same photos again");
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
