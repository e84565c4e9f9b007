// forget: removes the rows of photos that are gone for good from a database.
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/before_change.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/change_roots.h"

namespace photoscribe::cli {
namespace {

struct ForgetOptions {
  explicit ForgetOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  Forgotten which;
  bool yes = false, no_backup = false, json = false;
};

std::string what_goes(const ForgetCounts& counts) {
  std::string text =
      counted(counts.photos, "photo") + " (" + counted(counts.captions, "caption") + ", " +
      grouped(counts.references) + " with references" +
      (counts.edited == 0 ? "" : ", " + grouped(counts.edited) + " edited by people") + ") of ";
  std::string runs;
  for (const std::string& run : counts.runs) runs += (runs.empty() ? "" : ", ") + run;
  return text + (counts.runs.size() == 1 ? "run " : "runs ") + runs;
}

/// A root's name as typed, or a folder as the database stores it.
std::string root_word(const std::string& word) {
  return word.find('/') == std::string::npos ? word : stored_folder(word);
}

struct ForgetDone {
  ForgetCounts counts;
  std::string copy;  // empty: none was made
};

Expected<ForgetDone> forget(const ForgetOptions& options, const std::string& database) {
  Forgotten which = options.which;
  which.root = root_word(which.root);
  if (which.root.empty() && !which.vanished) {
    return fail(Errc::usage,
                "say which photos: --root NAME (all of a root), --vanished (those no longer "
                "found), or both");
  }
  Expected<ForgetCounts> found = count_forgotten(database, which);
  if (!found) return fail(found.error());
  if (found->photos == 0) return ForgetDone{*found, ""};
  const Expected<bool> go =
      confirmed(options.yes, "Forget " + what_goes(*found) + "? Files are not touched.");
  if (!go) return fail(go.error());
  if (!*go) return fail(Errc::cancelled, "nothing was changed");
  ForgetDone done;
  if (!options.no_backup) {
    Expected<std::string> copy = copy_before(database, "forget");
    if (!copy) return fail(copy.error());
    done.copy = std::move(*copy);
  }
  const Expected<ForgetCounts> gone = forget_photos(database, which);
  if (!gone) return fail(gone.error());
  done.counts = *gone;
  return done;
}

int run_forget(const ForgetOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("forget", database.error());
  const Expected<ForgetDone> done = forget(options, *database);
  if (!done) return report("forget", done.error());
  const ForgetCounts& counts = done->counts;
  if (options.json) {
    nlohmann::json object{{"photos", counts.photos},
                          {"captions", counts.captions},
                          {"with_references", counts.references},
                          {"edited", counts.edited},
                          {"runs", nlohmann::json::array()},
                          {"backup", nullptr}};
    for (const std::string& run : counts.runs) object["runs"].push_back(replaced(run));
    if (!done->copy.empty()) object["backup"] = replaced(done->copy);
    write_all(STDOUT_FILENO, object.dump() + "\n");
    return kExitDone;
  }
  if (counts.photos == 0) {
    write_all(STDOUT_FILENO, "No such photo in the database: nothing was changed.\n");
    return kExitDone;
  }
  write_all(STDOUT_FILENO, "Forgot " + shown(what_goes(counts)) + ".\n");
  if (!done->copy.empty()) {
    write_all(STDOUT_FILENO, "The database as it was before: " + shown(done->copy) + ". " +
                                 shown(restore_hint(*database, done->copy)) + "\n");
  }
  return kExitDone;
}

}  // namespace

void add_forget(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("forget", "remove photos that are gone for good from a database");
  const auto options = std::make_shared<ForgetOptions>(*verb);
  verb->add_option("--root", options->which.root, "all photos of this root (name or folder)")
      ->type_name("NAME");
  verb->add_flag("--vanished", options->which.vanished,
                 "those that the last scan of their folder no longer found");
  verb->add_option("--run", options->which.run, "of this run only (default: of every run)")
      ->type_name("NAME");
  verb->add_flag("--yes", options->yes, "do not ask");
  verb->add_flag("--no-backup", options->no_backup, "do not copy the database first");
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "Removes rows with their captions and references; files are not touched. The database is\n"
      "copied first. Where photos have only moved, `photoscribe move` keeps their rows.\n"
      "Captions that people edited go with the photo; with --run they stay.\n"
      "Examples:\n"
      "  photoscribe forget archive.db --vanished\n"
      "  photoscribe forget archive.db --root news --yes");
  verb->callback([options, &action] { action = [options] { return run_forget(*options); }; });
}

}  // namespace photoscribe::cli
