// caption set|import|approve|unset|undo|log|list: people's edits of captions. The model's captions
// stay; exports, reports and search prefer the edit.
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "common/core/standard_output.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/correct/edit_output.h"
#include "ops/cli/correct/fixes.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/edits.h"

namespace photoscribe::cli {
namespace {

struct CaptionOptions {
  explicit CaptionOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::vector<std::string> photos;
  std::string photo;  // for verbs that take only one
  std::string text, file, by, run;
  std::size_t limit = 50;
  bool dry_run = false, overwrite = false, anybody = false, json = false;
};

std::string user_name() {
  if (const passwd* user = ::getpwuid(::geteuid())) return user->pw_name;
  const char* const name = std::getenv("USER");
  return name != nullptr ? name : "user " + std::to_string(::geteuid());
}

Expected<std::string> editor_of(const CaptionOptions& options) {
  return checked_editor(options.by.empty() ? user_name() : options.by);
}

void print_text(const std::string& text) { write_all(STDOUT_FILENO, text); }

/// One object with --json, else two or three lines per photo.
void print_changes(const CaptionOptions& options, const std::vector<FixChange>& changes,
                   nlohmann::ordered_json object) {
  if (options.json) {
    object["changes"] = nlohmann::ordered_json::array();
    for (const FixChange& change : changes) object["changes"].push_back(change_json(change));
    print_text(object.dump() + "\n");
    return;
  }
  for (const FixChange& change : changes) print_text(change_text(change));
}

struct OpenedArchive {
  Edits edits;
  std::string by;
};

Expected<OpenedArchive> open_to_edit(const CaptionOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  Expected<std::string> by = editor_of(options);
  if (!by) return fail(by.error());
  Expected<Edits> edits = Edits::open(*database);
  if (!edits) return fail(edits.error());
  return OpenedArchive{std::move(*edits), std::move(*by)};
}

Expected<Edits> open_to_read(const CaptionOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  return Edits::open_reader(*database);
}

Status add_edits(const CaptionOptions& options, OpenedArchive& archive,
                 const std::vector<FixChange>& changes) {
  std::vector<NewEdit> edits;
  for (const FixChange& change : changes) edits.push_back(change.edit);
  if (!edits.empty()) {
    if (Status added = archive.edits.add(edits, archive.by); !added) return added;
  }
  print_changes(options, changes, {{"by", replaced(archive.by)}});
  return {};
}

Status set_caption(const CaptionOptions& options) {
  std::string text = plain_word(options.text);
  if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  const Expected<std::string> caption = checked_caption(text);
  if (!caption) return fail(caption.error());
  Expected<OpenedArchive> archive = open_to_edit(options);
  if (!archive) return fail(archive.error());
  const auto photos = archive->edits.find(std::span(&options.photo, 1));
  if (!photos) return fail(photos.error());
  const auto now = archive->edits.now(*photos);
  if (!now) return fail(now.error());
  const bool same = now->front().edit && now->front().edit->caption == *caption;
  std::vector<FixChange> changes;
  if (!same) {
    changes.push_back({{photos->front(), EditAction::set, *caption}, now->front().shown()});
  }
  if (Status added = add_edits(options, *archive, changes); !added) return added;
  if (same && !options.json) print_text("Already: " + shown(*caption) + "\n");
  return {};
}

Status approve_captions(const CaptionOptions& options) {
  Expected<OpenedArchive> archive = open_to_edit(options);
  if (!archive) return fail(archive.error());
  const auto photos = archive->edits.find(options.photos);
  if (!photos) return fail(photos.error());
  const auto now = archive->edits.now(*photos, options.run);
  if (!now) return fail(now.error());
  std::vector<FixChange> changes;
  std::string wrong;
  for (std::size_t i = 0; i < photos->size(); ++i) {
    const PhotoAt& photo = (*photos)[i];
    const CaptionNow& is = (*now)[i];
    const auto refuse = [&](const std::string& why) {
      wrong += (wrong.empty() ? "" : "; ") + photo.uri + " " + why;
    };
    if (!is.original) {
      refuse("is " + (is.state.empty() ? "not of that run" : is.state) +
             " and has no caption to approve");
    } else if (is.edit && is.edit->caption != is.original) {
      refuse("was edited by " + is.edit->by + ": " + is.edit->caption.value_or("") +
             " (`caption unset` takes that away)");
    } else if (!is.edit) {
      changes.push_back({{photo, EditAction::approve, *is.original}, is.shown()});
    }
  }
  if (!wrong.empty()) return fail(Errc::usage, wrong + "; nothing was changed");
  return add_edits(options, *archive, changes);
}

Status unset_captions(const CaptionOptions& options) {
  Expected<OpenedArchive> archive = open_to_edit(options);
  if (!archive) return fail(archive.error());
  const auto photos = archive->edits.find(options.photos);
  if (!photos) return fail(photos.error());
  const auto now = archive->edits.now(*photos);
  if (!now) return fail(now.error());
  std::vector<FixChange> changes;
  for (std::size_t i = 0; i < photos->size(); ++i) {
    if (!(*now)[i].edit) continue;
    changes.push_back({{(*photos)[i], EditAction::unset, ""}, (*now)[i].shown()});
  }
  if (Status added = add_edits(options, *archive, changes); !added) return added;
  if (changes.empty() && !options.json) print_text("No edit to take away: nothing was changed.\n");
  return {};
}

Status undo_edits(const CaptionOptions& options) {
  Expected<OpenedArchive> archive = open_to_edit(options);
  if (!archive) return fail(archive.error());
  Expected<UndoneEdits> undone{UndoneEdits{}};
  if (options.photos.empty()) {
    undone = archive->edits.undo_last(options.anybody ? "" : archive->by, archive->by);
  } else {
    const auto photos = archive->edits.find(options.photos);
    if (!photos) return fail(photos.error());
    undone = archive->edits.undo(*photos, archive->by);
  }
  if (!undone) return fail(undone.error());
  if (options.json) {
    nlohmann::ordered_json object{{"undone", undone->undone},
                                  {"left", nlohmann::ordered_json::array()}};
    for (const std::string& uri : undone->left) object["left"].push_back(replaced(uri));
    print_text(object.dump() + "\n");
    return {};
  }
  if (undone->undone == 0) {
    print_text(options.photos.empty() && !options.anybody
                   ? "No edit of " + shown(archive->by) +
                         " left to take back (--anybody: of others).\n"
                   : "No edit left to take back.\n");
    return {};
  }
  print_text("Took back " + counted(undone->undone, "edit") + ".\n");
  for (const std::string& uri : undone->left) {
    print_text("Left, since somebody edited it later: " + shown(uri) + "\n");
  }
  return {};
}

Expected<int> import_file(const CaptionOptions& options) {
  const auto lines = read_fixes(options.file);
  if (!lines) return fail(lines.error());
  Expected<OpenedArchive> archive = open_to_edit(options);
  if (!archive) return fail(archive.error());
  const Expected<FixPlan> plan = plan_fixes(archive->edits, *lines, options.overwrite);
  if (!plan) return fail(plan.error());
  const bool go = plan->wrong.empty() && !options.dry_run;
  if (go && !plan->changes.empty()) {
    std::vector<NewEdit> edits;
    for (const FixChange& change : plan->changes) edits.push_back(change.edit);
    if (Status added = archive->edits.add(edits, archive->by); !added) return fail(added.error());
  }
  const auto changes = static_cast<std::int64_t>(plan->changes.size());
  if (options.json || options.dry_run) {
    nlohmann::ordered_json object{
        {"by", replaced(archive->by)},  {"lines", plan->lines},
        {"unchanged", plan->unchanged}, {"changed", go ? changes : 0},
        {"dry_run", options.dry_run},   {"wrong", nlohmann::ordered_json::array()}};
    for (const std::string& why : plan->wrong) object["wrong"].push_back(replaced(why));
    print_changes(options, plan->changes, std::move(object));
  }
  for (const std::string& why : plan->wrong) {
    write_all(STDERR_FILENO, shown(options.file) + ": " + shown(why) + "\n");
  }
  if (!plan->wrong.empty()) {
    return fail(Errc::usage, counted(static_cast<std::int64_t>(plan->wrong.size()), "line") +
                                 " of " + options.file + " cannot be used: nothing was changed");
  }
  if (!options.json) {
    print_text(std::string(go ? "" : "Would change: ") + counted(changes, "caption") +
               (go ? " changed, " : ", ") + grouped(plan->unchanged) + " as before.\n");
    if (go && changes > 0) print_text("`photoscribe caption undo` takes them back together.\n");
  }
  return kExitDone;
}

Status show_log(const CaptionOptions& options) {
  Expected<Edits> edits = open_to_read(options);
  if (!edits) return fail(edits.error());
  std::optional<PhotoAt> photo;
  if (!options.photo.empty()) {
    const auto found = edits->find(std::span(&options.photo, 1));
    if (!found) return fail(found.error());
    photo = found->front();
  }
  const auto rows = edits->log(photo, options.limit);
  if (!rows) return fail(rows.error());
  if (options.json) {
    nlohmann::ordered_json object{{"edits", nlohmann::ordered_json::array()}};
    for (const EditRow& row : *rows) object["edits"].push_back(edit_json(row));
    print_text(object.dump() + "\n");
    return {};
  }
  if (rows->empty()) print_text("No edits.\n");
  for (const EditRow& row : *rows) print_text(edit_line(row));
  return {};
}

Status list_edits(const CaptionOptions& options) {
  Expected<Edits> edits = open_to_read(options);
  if (!edits) return fail(edits.error());
  std::int64_t rows = 0;
  if (options.json) print_text("{\"edits\":[");
  const Status read = edits->for_each_holding([&](const EditRow& row, const CaptionNow& now) {
    if (standard_output_lost()) return Status(fail(Errc::cancelled, "nobody reads on"));
    if (options.json) {
      nlohmann::ordered_json object = edit_json(row);
      object["original"] = text_or_null(now.original);
      print_text((rows == 0 ? "" : ",") + object.dump());
    } else {
      print_text(shown(row.uri) + "\n  " + shown(row.by) + ": " + shown_or(row.caption, "") +
                 "\n  model: " + shown_or(now.original, "no caption") + "\n");
    }
    ++rows;
    return Status();
  });
  if (!read && read.error().code != Errc::cancelled) return read;
  if (options.json) {
    print_text("]}\n");
  } else if (rows == 0) {
    print_text("No edits.\n");
  }
  return {};
}

int end_caption(const char* name, const Expected<int>& done, bool as_json) {
  if (done) return *done;
  const int status = report(name, done.error());
  // `caption import` has already printed a complete JSON object.
  if (as_json && std::string_view(name) != "caption import") {
    print_text(
        nlohmann::json{{"error", replaced(done.error().message)}, {"exit_status", status}}.dump() +
        "\n");
  }
  return status;
}

using CaptionAct = Status (*)(const CaptionOptions&);

template <CaptionAct verb>
Expected<int> done_or(const CaptionOptions& options) {
  const Status done = verb(options);
  if (!done) return fail(done.error());
  return kExitDone;
}

struct CaptionSub {
  const char *name, *full_name, *help;
  Expected<int> (*act)(const CaptionOptions&);
  enum { none, one, maybe_one, some, maybe, file } photos;
  bool edits;
};

constexpr const char* kCaptionPhotoHelp =
    "path (on this machine, below its root, or just its end), uri or number";

void add_sub(CLI::App& caption, const CaptionSub& sub, Action& action) {
  CLI::App* const verb = caption.add_subcommand(sub.name, sub.help);
  const auto options = std::make_shared<CaptionOptions>(*verb);
  const std::string name = sub.name;
  if (sub.photos == CaptionSub::file) {
    verb->add_option("file", options->file, "CSV, TSV or JSON Lines (- is standard input)")
        ->type_name("FILE")
        ->required();
    verb->add_flag("--dry-run", options->dry_run, "show what would change, and change nothing");
    verb->add_flag("--overwrite", options->overwrite,
                   "also change what was edited since the export");
  } else if (sub.photos == CaptionSub::one || sub.photos == CaptionSub::maybe_one) {
    CLI::Option* const photo =
        verb->add_option("photo", options->photo, kCaptionPhotoHelp)->type_name("PHOTO");
    if (sub.photos == CaptionSub::one) photo->required();
  } else if (sub.photos != CaptionSub::none) {
    CLI::Option* const photos =
        verb->add_option("photo", options->photos, kCaptionPhotoHelp)->type_name("PHOTO");
    if (sub.photos == CaptionSub::some) photos->required();
  }
  if (name == "set") {
    verb->add_option("text", options->text, "the caption (- reads standard input)")
        ->type_name("TEXT")
        ->required();
  }
  if (name == "approve") {
    verb->add_option("--run", options->run, "the run whose caption is right (default: the latest)")
        ->type_name("NAME");
  }
  if (name == "undo") verb->add_flag("--anybody", options->anybody, "also undo edits by others");
  if (name == "log") {
    verb->add_option("--limit", options->limit, "how many at most (default: 50)")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
  }
  if (sub.edits) {
    verb->add_option("--by", options->by, "who edits (default: the user's name)")
        ->type_name("NAME");
  }
  verb->add_flag("--json", options->json, "one JSON object");
  verb->callback([options, sub, &action] {
    action = [options, sub] {
      return end_caption(sub.full_name, sub.act(*options), options->json);
    };
  });
}

}  // namespace

void add_caption(CLI::App& app, Action& action) {
  CLI::App* const caption =
      app.add_subcommand("caption", "correct captions; the model's own are kept, too");
  caption->require_subcommand(1);
  caption->footer(
      "Exports, reports and search show the edit; --redo and other models leave it. All of this\n"
      "works during a run. A photo is named by its path, uri or number; the end of a path is\n"
      "enough if no other photo's path ends with it.\n"
      "Examples:\n"
      "  photoscribe caption set archive.db beach/IMG_7.jpg \"Ana and Ben at the harbour\"\n"
      "  photoscribe caption approve archive.db IMG_8.jpg IMG_9.jpg\n"
      "  photoscribe export archive.db --format csv -o fixes.csv   (correct it in a spreadsheet)\n"
      "  photoscribe caption import archive.db fixes.csv --dry-run\n"
      "  photoscribe caption undo archive.db");
  for (const CaptionSub& sub :
       {CaptionSub{"set", "caption set", "give a photo another caption", done_or<set_caption>,
                   CaptionSub::one, true},
        CaptionSub{"import", "caption import", "take the changed captions of a file, all or none",
                   import_file, CaptionSub::file, true},
        CaptionSub{"approve", "caption approve", "say that the model's caption is right",
                   done_or<approve_captions>, CaptionSub::some, true},
        CaptionSub{"unset", "caption unset", "go back to the model's caption",
                   done_or<unset_captions>, CaptionSub::some, true},
        CaptionSub{"undo", "caption undo", "take back your last change, or the last one of photos",
                   done_or<undo_edits>, CaptionSub::maybe, true},
        CaptionSub{"log", "caption log", "every edit, of all photos or of one, newest first",
                   done_or<show_log>, CaptionSub::maybe_one, false},
        CaptionSub{"list", "caption list", "photos with an edit in effect", done_or<list_edits>,
                   CaptionSub::none, false}}) {
    add_sub(*caption, sub, action);
  }
}

}  // namespace photoscribe::cli
