#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "common/core/output_file.h"
#include "common/core/standard_output.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/export/files_options.h"
#include "ops/cli/run/choose_run.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/export_format.h"
#include "ops/cli/run/export_join.h"
#include "ops/cli/run/list_flags.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/sources/list_shape.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

struct ExportOptions {
  explicit ExportOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::string format;   // empty: table, or csv with columns
  std::string columns;  // empty: the format's own
  std::string join;     // empty: none
  ListOptions list;     // of join
  std::string file;     // empty or "-": standard output
  std::string run;      // empty: the newest
  std::vector<std::string> states;
  std::int64_t limit = 0;  // 0: all
  std::optional<double> confidence_min;
  bool include_unsure = false;
  bool original = false;
  bool csv_safe = false;
  FilesOptions files;
};

/// Unless asked for, an unsure photo's caption is not exported, as if it were blurred.
bool is_withheld(const ExportOptions& options, const ResultRow& row) {
  const auto& states = options.states;
  return row.state == "unsure" && !options.include_unsure &&
         std::find(states.begin(), states.end(), row.state) == states.end();
}

ResultRow without_caption(ResultRow row) {
  row.caption.reset();
  row.log_prob.reset();
  row.alternatives.clear();
  row.bleu = {};
  return row;
}

/// How photos are named and numbered in COCO results: by the numbers in their names if every
/// captioned photo has one and all differ.
Status scan_names(Lookup& store, RunId run, ExportRun& names) {
  std::unordered_set<std::size_t> bases;  // hashes: a collision only makes names longer
  std::unordered_set<std::int64_t> numbers;
  names.ids_from_names = true;
  const Status read = store.for_each_result(run, [&](const ResultRow& row) -> Status {
    if (!row.caption && !row.edited_caption) return {};
    const std::string name = row.path.substr(row.path.rfind('/') + 1);
    if (names.ids_from_names) {
      const std::optional<std::int64_t> number = coco_id(name);
      names.ids_from_names = number && numbers.insert(*number).second;
    }
    if (!bases.insert(std::hash<std::string>{}(name)).second) names.same_names = true;
    return {};
  });
  return read;
}

std::string format_name(const ExportOptions& options) {
  if (!options.format.empty()) return options.format;
  return options.columns.empty() ? "table" : "csv";
}

/// The chosen columns; empty: the format's own.
Expected<std::vector<ExportColumn>> columns_of(const std::string& names, Lookup& store) {
  if (names.empty()) return std::vector<ExportColumn>();
  const Expected<std::vector<std::string>> kept = store.kept_columns();
  if (!kept) return fail(kept.error());
  return choose_columns(names, *kept);
}

CsvStyle style_of(const ExportOptions& options, bool to_terminal) {
  CsvStyle style{to_terminal, options.csv_safe};
  if (options.format == "tsv") style.delimiter = '\t';
  return style;
}

Expected<std::unique_ptr<ExportFormat>> make_format(const ExportOptions& options, Lookup& store,
                                                    const RunRow& run, bool to_terminal) {
  const std::string name = format_name(options);
  ExportRun about;
  about.blur_mode = run.settings.blur.mode;
  const auto columns = columns_of(options.columns, store);
  if (!columns) return fail(columns.error());
  if (name == "csv" || name == "tsv")
    return csv_format(about, style_of(options, to_terminal), *columns);
  if (name == "jsonl") return jsonl_format(about, *columns);
  const Expected<std::vector<Root>> roots = store.roots(run.id);
  if (!roots) return fail(roots.error());
  about.several_roots = roots->size() > 1;
  if (name == "coco") {
    if (Status looked = scan_names(store, run.id, about); !looked) return fail(looked.error());
    return coco_format(about);
  }
  return table_format(to_terminal ? terminal_columns(STDOUT_FILENO) : 0,
                      to_terminal ? Ink::of(STDOUT_FILENO) : Ink(false), about);
}

/// The row as exported: without a caption that is withheld, and with a person's edit.
ResultRow exported_row(const ExportOptions& options, ResultRow row) {
  const bool edited = row.edited_caption && !options.original;
  const bool unlikely =
      options.confidence_min && !edited && row.confidence.value_or(0) < *options.confidence_min;
  if (unlikely || is_withheld(options, row)) row = without_caption(std::move(row));
  return edited ? preferring_edit(std::move(row)) : row;
}

Status export_joined(const ExportOptions& options, Lookup& store, const RunRow& run,
                     OutputFile& output) {
  Join join;
  join.file = options.join;
  join.list = options.list;
  auto columns = columns_of(
      options.columns.empty() ? "caption,confidence,state,reason" : options.columns, store);
  if (!columns) return fail(columns.error());
  join.columns = std::move(*columns);
  join.blur_mode = run.settings.blur.mode;
  join.style = style_of(options, false);
  join.exported_row = [&](ResultRow row) { return exported_row(options, std::move(row)); };
  const bool to_terminal = output.is_terminal();
  const auto joined = join_rows(store, run, join, [&](std::string_view text) {
    if (standard_output_lost()) return Status(fail(Errc::cancelled, "nobody reads on"));
    if (!to_terminal) return output.add(text);
    const std::string_view line = without_line_end(text);
    return output.add(shown(line) + std::string(text.substr(line.size())));
  });
  if (!joined && joined.error().code != Errc::cancelled) return fail(joined.error());
  if (joined) write_all(STDERR_FILENO, to_text(*joined, options.join));
  return output.finish();
}

Status check_export(const ExportOptions& options) {
  const std::string format = format_name(options);
  const auto wrong = [](const char* why) { return Status(fail(Errc::usage, why)); };
  const bool joins = !options.join.empty();
  if (options.csv_safe && format != "csv" && format != "tsv" && !joins)
    return wrong("--csv-safe is for --format csv");
  if (!joins && options.list != ListOptions())
    return wrong("--root and --…-column are for the file of --join FILE");
  if (!options.columns.empty() && (format == "table" || format == "coco"))
    return wrong("--columns is for --format csv, tsv or jsonl");
  if (joins && !options.format.empty())
    return wrong("--join keeps the form of its file: leave out --format");
  if (joins && (options.limit > 0 || !options.states.empty()))
    return wrong("--join keeps all rows of its file: leave out --state and --limit");
  return {};
}

Status export_rows(const ExportOptions& options) {
  if (Status good = check_export(options); !good) return good;
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, options.run, *database, "exporting");
  if (!run) return fail(run.error());
  const auto output = OutputFile::open(options.file);
  if (!output) return fail(output.error());
  if (!options.join.empty()) return export_joined(options, *store, *run, **output);
  const auto format = make_format(options, *store, *run, (*output)->is_terminal());
  if (!format) return fail(format.error());

  if (Status begun = (*output)->add((*format)->head()); !begun) return begun;
  std::int64_t rows = 0;
  const Status read = store->for_each_result(run->id, [&](const ResultRow& row) -> Status {
    const auto& states = options.states;
    if (!states.empty() && std::find(states.begin(), states.end(), row.state) == states.end()) {
      return {};
    }
    const bool edited = row.edited_caption && !options.original;
    if (options.confidence_min && !edited && row.confidence.value_or(0) < *options.confidence_min) {
      return {};
    }
    const bool enough = options.limit > 0 && rows == options.limit;
    if (enough || standard_output_lost()) return fail(Errc::cancelled, "that is enough");
    ++rows;
    if (!edited && !is_withheld(options, row)) return (*output)->add((*format)->row(row));
    return (*output)->add((*format)->row(exported_row(options, row)));
  });
  if (!read && read.error().code != Errc::cancelled) return read;
  if (Status ended = (*output)->add((*format)->tail()); !ended) return ended;
  return (*output)->finish();
}

/// Asking for unsure photos includes their captions.
CaptionChoice caption_choice(const ExportOptions& options) {
  const auto& states = options.states;
  const bool unsure = std::find(states.begin(), states.end(), "unsure") != states.end();
  return {options.original, options.include_unsure || unsure, options.confidence_min};
}

int export_files(const ExportOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("export", database.error());
  if (!options.files.undo.empty()) {
    if (options.files.dry_run || options.files.json)
      return report("export", {Errc::usage, "--undo cannot be used with --dry-run or --json"});
    return run_undo(*database, options.files.undo);
  }
  Expected<FilesJob> job = files_job(options.format, options.files);
  if (!job) return report("export", job.error());
  if (!options.file.empty())
    return report("export", {Errc::usage, "--format " + options.format +
                                              " writes files beside photos: --into FOLDER, not "
                                              "--output"});
  job->database = *database;
  job->run = options.run;
  job->states = options.states;
  job->limit = options.limit;
  job->choice = caption_choice(options);
  return run_files_job(*job, options.files.json);
}

int export_chosen(const ExportOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("export", database.error());
  CaptionsJob job = captions_job(options.format, options.files);
  job.database = *database;
  job.run = options.run;
  job.output = options.file;
  job.states = options.states;
  job.limit = options.limit;
  job.choice = caption_choice(options);
  return run_captions_job(job);
}

int export_captions(const ExportOptions& options) {
  if (Status fits = check_format_options(options.format, options.files); !fits)
    return report("export", fits.error());
  if (!options.files.undo.empty() || writes_files(options.format, options.files))
    return export_files(options);
  Status done = check_no_files_options(options.files);
  if (done && writes_captions(options.format)) return export_chosen(options);
  if (done) done = export_rows(options);
  return done ? kExitDone : report("export", done.error());
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand("export", "export a run's captions and verdicts");
  const auto options = std::make_shared<ExportOptions>(*verb);
  verb->add_option("-f,--format", options->format,
                   "table (the default; with --columns csv)\n"
                   "csv, tsv: the columns of the view caption_result, and more; jsonl:\n"
                   "the same and more, one object a photo; coco: COCO results, captions only\n"
                   "xmp: a sidecar for each photo, or in the photo itself; iptc: in the photo\n"
                   "txt: IMG_1.txt beside IMG_1.jpg, for training programs\n"
                   "alt: CSV of alternative texts; html: a page; dataset: for training elsewhere;\n"
                   "webdataset: tar shards with the photos in them, into the folder -o")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "csv", "tsv", "jsonl", "coco", "xmp", "iptc", "txt", "alt",
                             "html", "dataset", "webdataset"}));
  verb->add_option("-o,--output", options->file, "file (default: standard output)")
      ->type_name("FILE");
  verb->add_flag(
      "--csv-safe", options->csv_safe,
      "for spreadsheets: puts a ' in front of text that they would evaluate as a formula");
  verb->add_option(
          "--columns", options->columns,
          "these columns alone: ours, and what lists and sidecars said of the photos, such\n"
          "as id,photographer,caption (kept.NAME: where both have that name)")
      ->type_name("NAMES");
  verb->add_option(
          "--join", options->join,
          "the rows of this CSV, TSV or JSON Lines file, in order, with our columns appended\n"
          "(default: caption,confidence,state,reason); what has no match is listed")
      ->type_name("FILE");
  add_list_flags(*verb, options->list, "--join", "The file of --join");
  verb->add_option("--run", options->run, "the run's name (default: the newest)")
      ->type_name("NAME");
  verb->add_option("--state", options->states,
                   "only photos that are done, unsure, blurred, failed or pending (repeatable)")
      ->type_name("STATE")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"done", "unsure", "blurred", "failed", "pending"}));
  verb->add_flag("--include-unsure", options->include_unsure,
                 "include the captions of unsure photos, which are probably wrong; otherwise\n"
                 "(unless --state unsure) these have no caption, like blurred ones");
  verb->add_option("--min-confidence", options->confidence_min,
                   "only captions that are right with at least this probability, or edited")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_flag("--original", options->original,
                 "the model's captions, even where people edited them (`photoscribe caption`)");
  verb->add_option("--limit", options->limit, "the first N photos only")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  add_files_options(*verb, options->files);
  verb->footer(
      "Examples:\n"
      "  photoscribe export archive.db | less\n"
      "  photoscribe export archive.db --format csv -o captions.csv\n"
      "  photoscribe export archive.db --format jsonl --state failed\n"
      "  photoscribe export archive.db --columns id,photographer,caption\n"
      "  photoscribe export archive.db --join assets.csv --root /srv/photos -o captioned.csv\n"
      "  photoscribe export archive.db --format xmp --dry-run\n"
      "  photoscribe export archive.db --format xmp --min-confidence 0.5\n"
      "  photoscribe export archive.db --format alt --max-chars 125 -o alt.csv\n"
      "  photoscribe export archive.db --format webdataset -o shards\n"
      "An export during a run holds what has been recorded so far.");
  verb->callback([options, &action] { action = [options] { return export_captions(*options); }; });
}

}  // namespace photoscribe::cli
