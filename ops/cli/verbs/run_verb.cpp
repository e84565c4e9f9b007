#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/detach.h"
#include "ops/cli/run/progress.h"
#include "ops/cli/run/run_options.h"
#include "ops/cli/run/run_summary.h"
#include "ops/cli/run/stop_signals.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/run/run_batch.h"

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

/// Prints once, when a run turns out to be long, that closing the terminal would end it.
class DetachHint : public RunObserver {
 public:
  DetachHint(ProgressPrinter& printer, bool wanted) : printer_(printer), wanted_(wanted) {}
  void progress(const RunProgress& now) override {
    printer_.progress(now);
    if (!wanted_ || !now.left || now.seconds < 10 || *now.left < kLong) return;
    wanted_ = false;
    Event hint;
    hint.text = "this takes about " + duration_text(static_cast<double>(now.left->count())) +
                " and ends when this terminal closes (nothing is lost). To keep it running: "
                "Ctrl-C, then the same command with --detach";
    printer_.event(hint);
  }
  void event(const Event& event) override { printer_.event(event); }

 private:
  static constexpr std::chrono::minutes kLong{20};
  ProgressPrinter& printer_;
  bool wanted_;
};

std::string last_lines(const std::string& file, std::streamoff from) {
  std::ifstream in(file);
  in.seekg(from);
  return {std::istreambuf_iterator<char>(in), {}};
}

int run_detached(const RunOptions& options, const RunRequest& request) {
  std::vector<std::string> words;
  bool only_photos = false;
  for (std::size_t i = 1; i < command_line().size(); ++i) {
    const std::string& word = command_line()[i];
    only_photos = only_photos || word == "--";
    if (only_photos || word != "--detach") words.push_back(word);
  }
  const std::string folder =
      request.state_folder.empty() ? request.database + ".state" : request.state_folder;
  std::error_code absent;
  const auto before = std::filesystem::file_size(detached_log(folder), absent);
  const Expected<Detached> started = detach(words, request.database, folder);
  if (!started) return failed(options, started.error());
  if (started->exit_status) {  // it has ended already: behave as without --detach
    write_all(*started->exit_status == kExitDone ? STDOUT_FILENO : STDERR_FILENO,
              last_lines(started->log, absent ? 0 : static_cast<std::streamoff>(before)));
    return *started->exit_status;
  }
  if (options.json) {
    const nlohmann::json object{{"detached", true},
                                {"pid", started->pid},
                                {"database", replaced(request.database)},
                                {"log", replaced(started->log)}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
    return kExitDone;
  }
  const std::string database = shown(shell_quoted(request.database));
  write_all(STDOUT_FILENO, "Running in the background (process " + std::to_string(started->pid) +
                               "), even when this terminal closes.\n"
                               "  photoscribe status " +
                               database + "   how far it is\n  photoscribe drain " + database +
                               "    ends it; the same command resumes\n"
                               "  " +
                               shown(started->log) + "   what it says\n");
  return kExitDone;
}

int run(const RunOptions& options) {
  Expected<RunRequest> request = make_request(options, RunVerb::run);
  if (!request) return failed(options, request.error());
  if (options.detach) return run_detached(options, *request);
  const auto monitor = std::make_shared<RunMonitor>();
  const auto servers = start_side_servers(options.serve, options.settings, monitor);
  if (!servers) return failed(options, servers.error());
  const ProgressStyle style = progress_style(options.no_progress);
  ProgressPrinter printer(STDERR_FILENO, style);
  StopHandle stop;
  const StopSignals signals(stop);
  DetachHint observer(printer, style == ProgressStyle::live && ends_with_its_terminal());
  request->monitor = monitor;
  const Expected<RunSummary> summary = run_batch(*request, observer, stop);
  printer.clear();
  if (!summary) return failed(options, summary.error());
  const int status = exit_status_of(*summary);
  const std::string text = options.json ? summary_json(*summary, request->settings.blur, status)
                                        : summary_text(*summary, request->settings.blur,
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
                 "count what there is to do, without writing or starting anything")
      ->group("Running it again");
  verb->add_flag("--watch", options->request.watch,
                 "go on until Ctrl-C: photos that come into the folders are captioned as soon as\n"
                 "whoever writes them has closed them")
      ->group("When and how fast");
  verb->add_flag("--detach", options->detach,
                 "continue in the background when the terminal closes; status, pause and drain\n"
                 "find it, and it logs to run.log in the state folder");
  add_serve_options(*verb, options->serve, "--serve", "Page and metrics");
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
      "  photoscribe run --list assets.csv --root /srv/photos --id-column asset   (or find … | "
      "run\n"
      "                  --list -)\n"
      "  photoscribe run https://host/a.jpg s3://bucket/2026 --urls more.txt -o 2026.db\n"
      "  photoscribe run ~/Camera --watch                    and what comes into it later\n"
      "  photoscribe run -o 2026.db --retry-failed           the run's failed photos again\n"
      "  photoscribe run ~/Pictures --detach                 the terminal may close\n"
      "The same command resumes where it stopped: new and changed photos are processed, finished\n"
      "ones are not repeated. Ctrl-C hands work back and stops; twice stops at once.\n"
      "photoscribe pause, resume, cancel, retry and drain steer it from another terminal.");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace photoscribe::cli
