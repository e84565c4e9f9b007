#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/detach.h"
#include "ops/cli/run/fleet.h"
#include "ops/cli/run/writer.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/control/control.h"
#include "scheduler/run/on_finish.h"
#include "scheduler/store/settings.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kEvents = 5;
constexpr std::chrono::seconds kSample{2};

struct StatusOptions {
  explicit StatusOptions(CLI::App& verb) : settings(verb), database(settings) {
    settings.flag("--redis", "redis.url", "URL",
                  "the Redis of its workers, if its scheduler does not run on this machine");
  }
  Settings settings;
  DatabaseOption database;
  bool workers = false;
  bool json = false;
};

struct RunStatus {
  RunRow run;
  StoreSummary summary;
  std::vector<Root> roots;
  std::vector<StoreEvent> events;
  double photos_per_s = 0;                 // over kSample; 0 without a scheduler
  std::optional<std::string> waiting_for;  // what a worker must have, and what the workers lack
};

std::int64_t finished(const RunCounts& counts) {
  return counts.asked.total() - counts.asked.pending;
}

Expected<std::vector<RunStatus>> read_statuses(Lookup& store, bool running) {
  const Expected<std::vector<RunRow>> runs = store.runs();
  if (!runs) return fail(runs.error());
  std::map<RunId, std::int64_t> before;
  const auto began = std::chrono::steady_clock::now();
  if (running) {
    for (const RunRow& run : *runs) {
      const Expected<RunCounts> counts = store.counts(run.id);
      if (!counts) return fail(counts.error());
      before[run.id] = finished(*counts);
    }
    std::this_thread::sleep_for(kSample);
  }
  std::vector<RunStatus> out;
  for (const RunRow& run : *runs) {
    Expected<StoreSummary> summary = store.summary(run.id);
    if (!summary) return fail(summary.error());
    Expected<std::vector<StoreEvent>> events = store.events(run.id, kEvents);
    if (!events) return fail(events.error());
    Expected<std::vector<Root>> roots = store.roots(run.id);
    if (!roots) return fail(roots.error());
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
    const auto grown = before.contains(run.id) ? finished(summary->counts) - before[run.id] : 0;
    out.push_back({run, std::move(*summary), std::move(*roots), std::move(*events),
                   running ? static_cast<double>(grown) / passed.count() : 0, std::nullopt});
  }
  return out;
}

/// Whether the run may be waiting for a worker. Not if it makes progress: workers of an older
/// release report nothing about themselves.
bool may_wait(const RunStatus& run) {
  return run.summary.counts.asked.pending > 0 && run.photos_per_s == 0 &&
         run.run.control == RunControl::running;
}

void note_waiting(std::vector<RunStatus>& runs, const std::vector<SeenWorker>& fleet) {
  for (RunStatus& run : runs) {
    if (may_wait(run)) run.waiting_for = why_nobody_serves(run.run, run.roots, fleet);
  }
}

/// The settings that are off by default and were switched on.
std::string switched_on(RunSettings settings) {
  RunSettings defaults;
  const std::vector<SettingField> fields = setting_fields(settings), off = setting_fields(defaults);
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].in_store != Written::unless_default || fields[i].help.empty()) continue;
    if (same_value(fields[i], off[i])) continue;
    out.append(", ").append(fields[i].key).append(" ").append(to_text(fields[i]));
  }
  return out;
}

std::string run_text(const RunStatus& status, const Ink& ink) {
  const StateCounts& asked = status.summary.counts.asked;
  const std::string state = asked.pending == 0 ? "complete"
                            : status.run.control != RunControl::running
                                ? ink.yellow(to_string(status.run.control))
                            : status.photos_per_s > 0 ? ink.green("at work")
                            : status.waiting_for      ? ink.yellow("waiting for a worker")
                                                      : ink.yellow("unfinished");
  std::string out = "\n" + ink.bold("run " + shown(status.run.name)) + ": " + state + ", begun " +
                    time_text(status.run.created_unix_ms) + "\n";
  out += "  " + grouped(asked.total()) + " photos: " + grouped(asked.done) + " captioned, " +
         (asked.unsure > 0 ? grouped(asked.unsure) + " unsure, " : "") + grouped(asked.blurred) +
         " blurred, " + grouped(asked.failed()) + " failed, " + grouped(asked.pending) + " to do\n";
  if (status.photos_per_s > 0) {
    out += "  " + rate_text(status.photos_per_s) + " photos/s just now, " +
           duration_text(static_cast<double>(asked.pending) / status.photos_per_s) + " left\n";
  }
  if (status.waiting_for) {
    out +=
        "  " + ink.yellow("no worker can process its photos: ") + shown(*status.waiting_for) + "\n";
  }
  const RunCounts& counts = status.summary.counts;
  if (counts.vanished > 0) out += "  " + counted(counts.vanished, "photo") + " vanished since\n";
  if (const auto unasked = counts.others.total() - counts.vanished; unasked > 0) {
    out += "  " + counted(unasked, "more photo") + " that the last command did not name\n";
  }
  if (const StoreSummary& s = status.summary; s.equal_photos + s.near_duplicates > 0) {
    out += "  " + grouped(s.equal_photos) + " reuse the result of a photo with the same bytes, " +
           grouped(s.near_duplicates) + " the caption of one that looks almost the same\n";
  }
  for (const FailureGroup& failure : status.summary.failures) {
    out += "  failed, " + std::string(to_string(failure.reason)) + ": " + grouped(failure.images) +
           formats_text(failure.formats) + ", such as " +
           cut_start(shown(failure.example_uri), 70) + "\n";
  }
  if (status.summary.bleu && status.summary.bleu->photos > 0) {
    out += fmt::format("  BLEU-4 {:.1f} over {}\n", 100 * bleu(status.summary.bleu->counts)[3],
                       counted(status.summary.bleu->photos, "captioned photo"));
  }
  out += "  model " + shown(status.run.settings.model_name) + " " +
         status.run.settings.model_hash.substr(0, 12) + ", beam " +
         std::to_string(status.run.settings.search.beam) + ", blurred below " +
         plain(status.run.settings.blur.blur_threshold) + " in mode " +
         std::string(to_string(status.run.settings.blur.mode)) + switched_on(status.run.settings) +
         "\n";
  for (const Root& root : status.roots) {
    out += "  root " + shown(root.name) + ": " + shown(root.folder) + "\n";
  }
  if (const std::string& command = status.run.schedule.on_finish; !command.empty())
    out += "  on-finish (stored with the run): " + shown(shown_on_finish(command)) + "\n";
  for (const StoreEvent& event : status.events) {
    out += "  " + ink.dim(time_text(event.at_unix_ms)) + " " +
           (event.level == "info" ? "" : event.level + ": ") + shown(event.text) + "\n";
  }
  return out;
}

nlohmann::json run_json(const RunStatus& status) {
  using nlohmann::json;
  const RunCounts& counts = status.summary.counts;
  json failures = json::object();
  for (const FailureGroup& f : status.summary.failures) {
    failures[std::string(to_string(f.reason))] = {{"count", f.images},
                                                  {"example_uri", replaced(f.example_uri)},
                                                  {"detail", replaced(f.example_detail)}};
    for (const auto& [format, count] : f.formats)
      failures[std::string(to_string(f.reason))]["formats"][replaced(format)] = count;
  }
  json roots = json::object();
  for (const Root& root : status.roots) roots[replaced(root.name)] = replaced(root.folder);
  json events = json::array();
  for (const StoreEvent& event : status.events) {
    events.push_back({{"at_unix_ms", event.at_unix_ms},
                      {"level", event.level},
                      {"kind", event.kind},
                      {"text", replaced(event.text)}});
  }
  json object{{"run", replaced(status.run.name)},
              {"control", to_string(status.run.control)},
              {"created_unix_ms", status.run.created_unix_ms},
              {"total", counts.asked.total()},
              {"done", counts.asked.done},
              {"unsure", counts.asked.unsure},
              {"blurred", counts.asked.blurred},
              {"failed", counts.asked.failed()},
              {"pending", counts.asked.pending},
              {"vanished", counts.vanished},
              {"not_asked", counts.others.total() - counts.vanished},
              {"equal_photos", status.summary.equal_photos},
              {"near_duplicates", status.summary.near_duplicates},
              {"photos_per_s", status.photos_per_s},
              {"failures", std::move(failures)},
              {"model", status.run.settings.model_hash},
              {"beam", status.run.settings.search.beam},
              {"blur_mode", to_string(status.run.settings.blur.mode)},
              {"blur_threshold", status.run.settings.blur.blur_threshold},
              {"min_confidence", status.run.settings.min_confidence},
              {"settings", json::parse(to_json(status.run.settings))},
              {"on_finish", nullptr},
              {"roots", std::move(roots)},
              {"waits", nullptr},
              {"events", std::move(events)}};
  if (const std::string& command = status.run.schedule.on_finish; !command.empty())
    object["on_finish"] = replaced(shown_on_finish(command));
  if (status.waiting_for) object["waits"] = replaced(*status.waiting_for);
  if (status.summary.bleu) {
    const auto scores = bleu(status.summary.bleu->counts);
    for (std::size_t n = 0; n < 4; ++n) {
      object["bleu"]["bleu" + std::to_string(n + 1)] = 100 * scores[n];
    }
    object["bleu"]["photos"] = status.summary.bleu->photos;
  }
  return object;
}

Error no_fleet(const Error& error) {
  if (error.code != Errc::run_gone) return error;
  return Error{Errc::environment,
               "--workers: no scheduler of this database is running here; --redis URL asks the "
               "Redis of its workers"};
}

/// The log of a detached run, for the first line.
std::string log_of(const DatabasePlace& place, pid_t writer) {
  const std::string log = detached_log(place.state_folder);
  std::error_code other;
  const std::string output = "/proc/" + std::to_string(writer) + "/fd/2";
  return std::filesystem::equivalent(output, log, other) ? ", log " + shown(log) : "";
}

int status(const StatusOptions& options) {
  const Expected<DatabasePlace> place = options.database.place();
  if (!place) return report("status", place.error());
  const std::string* const database = &place->database;
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return report("status", store.error());
  const std::optional<pid_t> writer = current_writer(*database);
  Expected<std::vector<RunStatus>> runs = read_statuses(*store, writer.has_value());
  if (!runs) return report("status", runs.error());
  const bool look_for_workers =
      options.workers || (writer && std::any_of(runs->begin(), runs->end(), may_wait));
  const Expected<std::vector<SeenWorker>> fleet =
      look_for_workers ? fetch_fleet(*place, place->redis_url) : fail(Errc::run_gone, "");
  if (fleet) note_waiting(*runs, *fleet);
  if (!fleet && options.workers) return report("status", no_fleet(fleet.error()));

  if (options.json) {
    nlohmann::json object{{"database", replaced(*database)},
                          {"writer_pid", nullptr},
                          {"runs", nlohmann::json::array()}};
    if (writer) object["writer_pid"] = *writer;
    if (options.workers) object["workers"] = fleet_json(*fleet);
    for (const RunStatus& run : *runs) object["runs"].push_back(run_json(run));
    write_all(STDOUT_FILENO, object.dump() + "\n");
    return kExitDone;
  }
  const Ink ink = Ink::of(STDOUT_FILENO);
  std::string text = ink.bold(shown(*database)) + ": " +
                     (writer ? "a scheduler is running (pid " + std::to_string(*writer) +
                                   log_of(*place, *writer) + ")"
                             : std::string("no scheduler is running")) +
                     "\n";
  for (const RunStatus& run : *runs) text += run_text(run, ink);
  if (runs->empty()) text += "\nNo runs in it yet.\n";
  if (options.workers) text += "\n" + fleet_table(*fleet);
  write_all(STDOUT_FILENO, text);
  return kExitDone;
}

}  // namespace

void add_status(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "status", "show what is in a database, and whether a scheduler is running");
  const auto options = std::make_shared<StatusOptions>(*verb);
  verb->add_flag("--workers", options->workers,
                 "also list the workers: host, devices, photos/s, last beat, model, roots");
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "Examples:\n"
      "  photoscribe status archive.db\n"
      "  photoscribe status archive.db --workers\n"
      "  photoscribe status archive.db --json | jq .runs[0].pending");
  verb->callback([options, &action] { action = [options] { return status(*options); }; });
}

}  // namespace photoscribe::cli
