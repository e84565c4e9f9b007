// dead ls|show|replay: the photos that failed, one by one. There is no dead-letter stream: a dead
// letter is a failed row of the database (design.md 4), and these are views of it.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/text/base64.h"
#include "common/text/escape.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "common/text/utf8.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/ask.h"
#include "ops/cli/run/choose_run.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/steer_verb.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

constexpr std::size_t kListed = 100;

struct DeadOptions {
  explicit DeadOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::string run;
  std::vector<std::string> reasons;
  std::vector<std::int64_t> images;
  std::size_t limit = kListed;
  bool json = false;
};

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(columns(text) < width ? width - columns(text) : 0, ' ');
}

nlohmann::json row_json(const ResultRow& row) {
  nlohmann::json object{{"image", row.image_id},    {"run", replaced(row.run)},
                        {"attempt", row.attempt},   {"state", row.state},
                        {"reason", nullptr},        {"detail", nullptr},
                        {"uri", replaced(row.uri)}, {"path", replaced(row.path)},
                        {"worker", nullptr},        {"finished_unix_ms", nullptr}};
  if (!is_valid_utf8(row.path)) object["path_base64"] = base64(row.path);
  if (row.reason) object["reason"] = *row.reason;
  if (row.detail) object["detail"] = replaced(*row.detail);
  if (row.worker) object["worker"] = replaced(*row.worker);
  if (row.finished_unix_ms) object["finished_unix_ms"] = *row.finished_unix_ms;
  return object;
}

std::string table(const std::vector<ResultRow>& rows) {
  std::size_t reason_width = 6, id_width = 5;
  for (const ResultRow& row : rows) {
    reason_width = std::max(reason_width, row.reason.value_or("").size());
    id_width = std::max(id_width, std::to_string(row.image_id).size());
  }
  const Ink ink = Ink::of(STDOUT_FILENO);
  std::string out = ink.bold(padded("image", id_width) + "  tries  " +
                             padded("reason", reason_width) + "  photo") +
                    "\n";
  for (const ResultRow& row : rows) {
    out += padded(std::to_string(row.image_id), id_width) + "  " +
           padded(std::to_string(row.attempt), 5) + "  " +
           padded(row.reason.value_or(""), reason_width) + "  " + shown(row.uri);
    if (row.detail && !row.detail->empty()) out += ink.dim(": " + cut_end(shown(*row.detail), 100));
    out += "\n";
  }
  return out;
}

Status list(const DeadOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  const Expected<std::vector<Reason>> reasons = reasons_from(options.reasons);
  if (!reasons) return fail(reasons.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, options.run, *database, "listing");
  if (!run) return fail(run.error());
  Expected<std::vector<ResultRow>> rows =
      store->failed_images(run->id, *reasons, options.limit + 1);
  if (!rows) return fail(rows.error());
  const bool more = rows->size() > options.limit;
  if (more) rows->pop_back();
  if (options.json) {
    nlohmann::json object{
        {"run", replaced(run->name)}, {"more", more}, {"photos", nlohmann::json::array()}};
    for (const ResultRow& row : *rows) object["photos"].push_back(row_json(row));
    write_all(STDOUT_FILENO, object.dump() + "\n");
    return {};
  }
  if (rows->empty()) {
    write_all(STDOUT_FILENO, "run " + shown(run->name) + ": no photo failed" +
                                 (reasons->empty() ? "" : " for that reason") + "\n");
    return {};
  }
  write_all(STDOUT_FILENO, table(*rows));
  if (more) {
    write_all(STDERR_FILENO, "more than " + grouped(static_cast<std::int64_t>(options.limit)) +
                                 "; --limit N shows more, --reason R fewer\n");
  }
  return {};
}

std::string attempts_text(const std::vector<AttemptRow>& attempts) {
  std::string out;
  for (const AttemptRow& one : attempts) {
    out += "  attempt " + std::to_string(one.attempt) + ", " + time_text(one.finished_unix_ms) +
           ", " + shown(one.worker) + ": " + one.outcome;
    if (one.reason) out += ", " + *one.reason;
    if (one.detail && !one.detail->empty()) out += ": " + shown(*one.detail);
    out += "\n";
  }
  return out;
}

nlohmann::json attempts_json(const std::vector<AttemptRow>& attempts) {
  nlohmann::json list = nlohmann::json::array();
  for (const AttemptRow& one : attempts) {
    nlohmann::json object{{"attempt", one.attempt},
                          {"outcome", one.outcome},
                          {"reason", nullptr},
                          {"detail", nullptr},
                          {"worker", replaced(one.worker)},
                          {"finished_unix_ms", one.finished_unix_ms}};
    if (one.reason) object["reason"] = *one.reason;
    if (one.detail) object["detail"] = replaced(*one.detail);
    list.push_back(std::move(object));
  }
  return list;
}

Status show_dead(const DeadOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  nlohmann::json all = nlohmann::json::array();
  for (const std::int64_t id : options.images) {
    const Expected<std::optional<ResultRow>> row = store->image(id);
    if (!row) return fail(row.error());
    if (!*row) {
      return fail(Errc::usage, "no photo has the number " + std::to_string(id) +
                                   "; `photoscribe dead ls` lists the failed ones");
    }
    const Expected<std::vector<AttemptRow>> attempts = store->attempts(id);
    if (!attempts) return fail(attempts.error());
    if (options.json) {
      nlohmann::json object = row_json(**row);
      object["attempts"] = attempts_json(*attempts);
      all.push_back(std::move(object));
      continue;
    }
    std::string state = (*row)->state;
    if ((*row)->vanished) state += ", vanished since";
    write_all(STDOUT_FILENO, std::to_string(id) + ": " + shown((*row)->uri) + "\n  run " +
                                 shown((*row)->run) + ", now " + state + "\n" +
                                 attempts_text(*attempts));
  }
  if (options.json) write_all(STDOUT_FILENO, nlohmann::json{{"photos", all}}.dump() + "\n");
  return {};
}

/// The run of the numbered photos.
Expected<std::string> run_of(const DeadOptions& options, const std::string& database) {
  if (options.images.empty()) return options.run;
  Expected<Store> store = Store::open_reader(database);
  if (!store) return fail(store.error());
  std::string run = options.run;
  for (const std::int64_t id : options.images) {
    const Expected<std::optional<ResultRow>> row = store->image(id);
    if (!row) return fail(row.error());
    if (!*row || (!run.empty() && (*row)->run != run)) {
      return fail(Errc::usage, "no photo" + (run.empty() ? "" : " of run " + run) +
                                   " has the number " + std::to_string(id));
    }
    run = (*row)->run;
  }
  return run;
}

Status replay(const DeadOptions& options) {
  const Expected<DatabasePlace> place = options.database.place();
  if (!place) return fail(place.error());
  Expected<std::vector<Reason>> reasons = reasons_from(options.reasons);
  if (!reasons) return fail(reasons.error());
  if (options.images.empty() == reasons->empty()) {
    return fail(
        Errc::usage,
        "name photos by number, or use --reason R; `photoscribe retry --failed` retries all");
  }
  ControlRequest request;
  request.verb = ControlVerb::retry;
  Expected<std::string> run = run_of(options, place->database);
  if (!run) return fail(run.error());
  request.run = std::move(*run);
  request.reasons = std::move(*reasons);
  request.images = options.images;
  const Expected<ControlReply> reply = ask_or_do(*place, request);
  if (!reply) return fail(reply.error());
  write_all(STDOUT_FILENO,
            options.json
                ? reply_json(*reply)
                : reply_text(*reply, request.verb, shown(shell_quoted(place->database))) + "\n");
  return {};
}

using Verb = Status (*)(const DeadOptions&);

int act(Verb verb, const char* name, const DeadOptions& options) {
  const Status done = verb(options);
  if (done) return kExitDone;
  const int status = report(name, done.error());
  if (options.json) {
    const nlohmann::json object{{"error", replaced(done.error().message)}, {"exit_status", status}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
  }
  return status;
}

/// A CLI11 check: refuses a number as a database, unless there is a file of that name.
std::string reject_photo_number(const std::string& word) {
  const bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
  std::error_code absent;
  return number && !std::filesystem::exists(word, absent) ? "is the number of a photo" : "";
}

void add_filters(CLI::App& verb, DeadOptions& options) {
  verb.add_option("--run", options.run, "the run, where the database has several")
      ->type_name("NAME");
  verb.add_option("--reason", options.reasons, "those that failed for these reasons (repeatable)")
      ->type_name("R[,R]")
      ->allow_extra_args(false);
}

}  // namespace

void add_dead(CLI::App& app, Action& action) {
  CLI::App* const dead = app.add_subcommand("dead", "inspect and retry failed photos one by one");
  dead->require_subcommand(1);
  dead->footer(
      "Examples:\n"
      "  photoscribe dead ls archive.db --reason timeout\n"
      "  photoscribe dead show archive.db 4711           (dead show 4711: of archive.db here)\n"
      "  photoscribe dead replay archive.db 4711 4712");
  struct Sub {
    const char *name, *full_name, *help;
    Verb verb;
  };
  for (const Sub& sub :
       {Sub{"ls", "dead ls", "list them: number, tries, reason, photo", list},
        Sub{"show", "dead show", "show every attempt of photos, by number", show_dead},
        Sub{"replay", "dead replay", "retry photos, now or at the next run", replay}}) {
    CLI::App* const verb = dead->add_subcommand(sub.name, sub.help);
    const auto options = std::make_shared<DeadOptions>(*verb);
    if (sub.verb != show_dead) add_filters(*verb, *options);
    if (sub.verb == list) {
      verb->add_option("--limit", options->limit, "how many at most (default: 100)")
          ->type_name("N")
          ->check(CLI::PositiveNumber);
    } else {
      CLI::Option* const images =
          verb->add_option("images", options->images, "numbers, as `dead ls` shows them")
              ->type_name("IMAGE");
      if (sub.verb == show_dead) images->required();
    }
    if (sub.verb != list) {
      // `dead show 4711` means a photo of the configured database.
      verb->validate_positionals();
      verb->get_option("database")->check(reject_photo_number, "");
    }
    verb->add_flag("--json", options->json, "one JSON object");
    verb->callback([options, sub, &action] {
      action = [options, sub] { return act(sub.verb, sub.full_name, *options); };
    });
  }
}

}  // namespace photoscribe::cli
