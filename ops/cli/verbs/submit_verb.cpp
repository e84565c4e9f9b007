// submit: adds photos to a run's manifest, for a scheduler that serves it now or later.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/remote/photo_url.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/ask.h"
#include "ops/cli/run/progress.h"
#include "ops/cli/run/run_options.h"
#include "ops/cli/run/stop_signals.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/steer_verb.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/run/submit.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

std::string absolute(const std::string& path) {
  return path.empty() || is_remote(path) ? path : std::filesystem::absolute(path).string();
}

/// For --split, which is a file or the name of one of the references' splits.
std::string absolute_if_exists(const std::string& path) {
  std::error_code absent;
  return std::filesystem::exists(path, absent) ? absolute(path) : path;
}

/// Without a scheduler, this process fills the manifest.
Expected<ControlReply> fill_here(Store& store, const RunRequest& request) {
  ProgressPrinter printer(STDERR_FILENO,
                          is_terminal(STDERR_FILENO) ? ProgressStyle::live : ProgressStyle::silent);
  StopHandle stop;
  const StopSignals signals(stop);
  const Expected<PreparedRun> prepared = take_submission(store, request, printer, stop);
  printer.clear();
  if (!prepared) return fail(prepared.error());
  for (const std::string& note : prepared->notes) {
    write_all(STDERR_FILENO, "note: " + shown(note) + "\n");
  }
  const Expected<RunCounts> counts = store.counts(prepared->run.id);
  if (!counts) return fail(counts.error());
  ControlReply reply;
  reply.run = prepared->run.name;
  reply.control = prepared->run.control;
  reply.changed = true;
  reply.photos =
      prepared->scan.added + prepared->scan.changed + prepared->scan.redone + prepared->retried;
  reply.pending = counts->asked.pending;
  reply.not_seen = prepared->not_seen_count;
  return reply;
}

Expected<ControlReply> submit_photos(const RunOptions& options) {
  Expected<RunRequest> request = make_request(options, RunVerb::submit);
  if (!request) return fail(request.error());
  request->keep_on_finish = true;
  if (std::find(request->lists.begin(), request->lists.end(), "-") != request->lists.end()) {
    return fail(Errc::usage,
                "--list -: the scheduler reads the list itself, so write it to a file");
  }
  for (const std::string& list : request->url_lists) {
    if (list == "-") return fail(Errc::usage, "--urls -: only `run` reads standard input");
  }
  for (auto* paths :
       {&request->photos, &request->lists, &request->follow_links, &request->url_lists}) {
    for (std::string& path : *paths) path = absolute(path);
  }
  request->list.root = absolute(request->list.root);
  request->references_file = absolute(request->references_file);
  request->split_file = absolute_if_exists(request->split_file);
  ControlRequest asked;
  asked.verb = ControlVerb::submit;
  asked.run = request->run;
  asked.submission = submission_line(*request);
  if (asked.submission.size() > kControlLineMax) {
    return fail(Errc::usage, "too many photos were named one by one: name their folder");
  }
  const std::string& folder = request->state_folder;
  const DatabasePlace place{request->database,
                            folder.empty() ? request->database + ".state" : folder, ""};
  return ask_or_do(place, asked, [&request](Store& store) { return fill_here(store, *request); });
}

int submit(const RunOptions& options) {
  const Expected<ControlReply> reply = submit_photos(options);
  if (!reply) {
    const int status = report("submit", reply.error());
    if (options.json) {
      const nlohmann::json object{{"error", replaced(reply.error().message)},
                                  {"exit_status", status}};
      write_all(STDOUT_FILENO, object.dump() + "\n");
    }
    return status;
  }
  const int status = reply->not_seen > 0 ? kExitFailedPhotos : kExitDone;
  if (options.json) {
    write_all(STDOUT_FILENO, reply_json(*reply));
    return status;
  }
  std::string text = "run " + shown(reply->run) + ": " + counted(reply->photos, "photo") +
                     " new or retried, " + grouped(reply->pending) + " to do";
  if (reply->control == RunControl::paused)
    text += "; it is paused (photoscribe resume)";
  else if (!reply->served)
    text += "; `photoscribe scheduler` processes them";
  if (reply->not_seen > 0) {
    text += "; " + grouped(reply->not_seen) +
            " could not be read (`photoscribe status` has the events)";
  }
  write_all(STDOUT_FILENO, text + "\n");
  return status;
}

}  // namespace

void add_submit(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("submit", "add photos to a run that a scheduler serves");
  const auto options = std::make_shared<RunOptions>(*verb);
  add_photo_options(*verb, *options);
  add_setting_options(*options, RunVerb::submit);
  add_again_options(*verb, *options);
  verb->add_option("--run", options->request.run, "the run's name (default: default)")
      ->type_name("NAME");
  verb->add_flag("--watch", options->request.watch,
                 "the scheduler also captions what comes into the folders from now on, until the\n"
                 "run is cancelled or submitted without --watch")
      ->group("When and how fast");
  verb->add_flag("--json", options->json, "one JSON object on standard output")->group("Output");
  verb->footer(
      "Fills the manifest and starts nothing. While a scheduler holds the database it does so\n"
      "itself, so the paths must be readable there.\n"
      "Examples:\n"
      "  photoscribe submit /srv/2026 -o archive.db --run 2026\n"
      "  photoscribe submit --list /srv/assets.csv --root /srv/photos -o archive.db\n"
      "  photoscribe submit /srv/today -o archive.db --run today --priority 1\n"
      "  photoscribe submit /srv/inbox -o archive.db --run inbox --watch");
  verb->callback([options, &action] { action = [options] { return submit(*options); }; });
}

}  // namespace photoscribe::cli
