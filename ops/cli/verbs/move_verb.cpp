// move: tells a database that a folder of photos has moved.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
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

namespace fs = std::filesystem;

struct MoveOptions {
  explicit MoveOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::string from, to;
  bool yes = false, no_backup = false, json = false;
};

/// Plans the move of the folder as typed or, if no root is there, of the root of that name.
Expected<std::vector<MovedRoot>> plan(const std::string& database, const MoveOptions& options,
                                      std::string& from) {
  from = stored_folder(options.from);
  Expected<std::vector<MovedRoot>> planned = plan_move(database, from, stored_folder(options.to));
  const bool may_be_a_name = options.from.find('/') == std::string::npos;
  if (planned || planned.error().code != Errc::usage || !may_be_a_name) return planned;
  Expected<std::vector<MovedRoot>> named =
      plan_move(database, options.from, stored_folder(options.to));
  if (!named) return planned;
  from = options.from;
  return named;
}

struct MoveDone {
  std::vector<MovedRoot> roots;
  std::string copy;  // empty: none was made
};

Expected<MoveDone> move(const MoveOptions& options, const std::string& database) {
  std::error_code absent;
  if (!fs::is_directory(options.to, absent)) {
    return fail(Errc::usage,
                options.to + ": no such folder; name the one in which the photos are now");
  }
  std::string from;
  const Expected<std::vector<MovedRoot>> planned = plan(database, options, from);
  if (!planned) return fail(planned.error());
  std::int64_t twice = 0;
  bool joins = false;
  for (const MovedRoot& root : *planned) {
    twice += root.twice;
    joins = joins || !root.joined_with.empty();
  }
  MoveDone done;
  if (joins) {
    const Expected<bool> go =
        confirmed(options.yes, "The database has a root for " + stored_folder(options.to) +
                                   " already. Merge the two? " + counted(twice, "photo") +
                                   " with two rows will have one.");
    if (!go) return fail(go.error());
    if (!*go) return fail(Errc::cancelled, "nothing was changed");
    if (!options.no_backup) {
      Expected<std::string> copy = copy_before(database, "move");
      if (!copy) return fail(copy.error());
      done.copy = std::move(*copy);
    }
  }
  Expected<std::vector<MovedRoot>> moved = move_roots(database, from, stored_folder(options.to));
  if (!moved) return fail(moved.error());
  done.roots = std::move(*moved);
  return done;
}

std::string done_text(const MoveDone& done, const std::string& database) {
  std::string out;
  for (const MovedRoot& root : done.roots) {
    out += "root " + shown(root.name) + " is " + shown(root.to) + " now, was " + shown(root.from) +
           ": " + counted(root.photos, "photo");
    if (!root.joined_with.empty()) {
      out += "; joined with root " + shown(root.joined_with) + ", " + grouped(root.twice) +
             " had a row in both";
    }
    out += "\n";
  }
  if (!done.copy.empty()) {
    out += "The database as it was before: " + shown(done.copy) + ". " +
           shown(restore_hint(database, done.copy)) + "\n";
  }
  return out;
}

int run_move(const MoveOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("move", database.error());
  const Expected<MoveDone> done = move(options, *database);
  if (!done) return report("move", done.error());
  if (!options.json) {
    write_all(STDOUT_FILENO, done_text(*done, *database));
    return kExitDone;
  }
  nlohmann::json object{{"roots", nlohmann::json::array()}, {"backup", nullptr}};
  for (const MovedRoot& root : done->roots) {
    object["roots"].push_back({{"root", replaced(root.name)},
                               {"from", replaced(root.from)},
                               {"to", replaced(root.to)},
                               {"joined_with", replaced(root.joined_with)},
                               {"photos", root.photos},
                               {"twice", root.twice}});
  }
  if (!done->copy.empty()) object["backup"] = replaced(done->copy);
  write_all(STDOUT_FILENO, object.dump() + "\n");
  return kExitDone;
}

}  // namespace

void add_move(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("move", "tell a database that a folder of photos has moved");
  const auto options = std::make_shared<MoveOptions>(*verb);
  verb->add_option("old", options->from, "the old folder, or the root's name")
      ->type_name("OLD")
      ->required();
  verb->add_option("new", options->to, "where its photos are now")->type_name("NEW")->required();
  verb->add_flag("--yes", options->yes, "do not ask");
  verb->add_flag("--no-backup", options->no_backup,
                 "do not copy the database before two roots are merged");
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "Roots keep their names, and photos their rows, captions and numbers; no photo is read. "
      "Roots\n"
      "inside OLD move too. If a run has already found the photos in their new place, the two "
      "roots\n"
      "are merged, after a question and with a copy of the database beside it.\n"
      "Example:\n"
      "  mv news archive2; photoscribe move archive.db news archive2");
  verb->callback([options, &action] { action = [options] { return run_move(*options); }; });
}

}  // namespace photoscribe::cli
