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
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

struct ExportOptions {
  explicit ExportOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::string format = "table";
  std::string file;  // empty or "-": standard output
  std::string run;   // empty: the newest
  std::vector<std::string> states;
  std::int64_t limit = 0;  // 0: all
  std::optional<double> confidence_min;
  bool include_unsure = false;
  bool csv_safe = false;
  bool original = false;
  FilesOptions files;
};

/// An unsure photo has no caption for who did not ask for it, as a blurred one has none.
bool is_withheld(const ExportOptions& options, const ResultRow& row) {
  const auto& states = options.states;
  return row.state == "unsure" && !options.include_unsure &&
         std::find(states.begin(), states.end(), row.state) == states.end();
}

/// How COCO's captioned photos are named and numbered: their own numbers only where every one has
/// one in its name and no two the same.
Status look_at_names(Lookup& store, RunId run, ExportRun& names) {
  std::unordered_set<std::size_t> bases;  // hashes: two alike only make names longer
  std::unordered_set<std::int64_t> numbers;
  names.ids_from_names = true;
  const Status read = store.for_each_result(run, [&](const ResultRow& row) -> Status {
    if (!row.caption) return {};
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

Expected<std::unique_ptr<ExportFormat>> make_format(const ExportOptions& options, Lookup& store,
                                                    const RunRow& run, bool to_terminal) {
  const std::string& name = options.format;
  ExportRun about;
  about.blur_mode = run.settings.blur.mode;
  if (name == "csv") return csv_format(about, {to_terminal, options.csv_safe});
  if (name == "jsonl") return jsonl_format(about);
  const Expected<std::vector<Root>> roots = store.roots(run.id);
  if (!roots) return fail(roots.error());
  about.several_roots = roots->size() > 1;
  if (name == "coco") {
    if (Status looked = look_at_names(store, run.id, about); !looked) return fail(looked.error());
    return coco_format(about);
  }
  return table_format(to_terminal ? terminal_columns(STDOUT_FILENO) : 0,
                      to_terminal ? Ink::of(STDOUT_FILENO) : Ink(false), about);
}

Status export_rows(const ExportOptions& options) {
  if (options.csv_safe && options.format != "csv")
    return fail(Errc::usage, "--csv-safe is for --format csv");
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, options.run, *database, "exporting");
  if (!run) return fail(run.error());
  const auto output = OutputFile::open(options.file);
  if (!output) return fail(output.error());
  const auto format = make_format(options, *store, *run, (*output)->is_terminal());
  if (!format) return fail(format.error());

  if (Status begun = (*output)->add((*format)->head()); !begun) return begun;
  std::int64_t rows = 0;
  const Status read = store->for_each_result(run->id, [&](const ResultRow& row) -> Status {
    const auto& states = options.states;
    if (!states.empty() && std::find(states.begin(), states.end(), row.state) == states.end()) {
      return {};
    }
    if (options.confidence_min && row.confidence.value_or(0) < *options.confidence_min) return {};
    const bool enough = options.limit > 0 && rows == options.limit;
    if (enough || standard_output_lost()) return fail(Errc::cancelled, "that is enough");
    ++rows;
    if (!is_withheld(options, row)) return (*output)->add((*format)->row(row));
    ResultRow without_caption = row;
    without_caption.caption.reset();
    without_caption.log_prob.reset();
    without_caption.bleu = {};
    return (*output)->add((*format)->row(without_caption));
  });
  if (!read && read.error().code != Errc::cancelled) return read;
  if (Status ended = (*output)->add((*format)->tail()); !ended) return ended;
  return (*output)->finish();
}

/// Who asks for unsure photos wants their captions.
CaptionChoice caption_choice(const ExportOptions& options) {
  const auto& states = options.states;
  const bool unsure = std::find(states.begin(), states.end(), "unsure") != states.end();
  return {options.original, options.include_unsure || unsure, options.confidence_min};
}

int export_files(const ExportOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("export", database.error());
  if (!options.files.undo.empty()) return run_undo(*database, options.files.undo);
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
                   "table (the default)\n"
                   "csv: the columns of the view caption_result, and more; jsonl:\n"
                   "the same and more, one object a photo; coco: COCO results, captions only\n"
                   "xmp: a sidecar for each photo, or in the photo itself; iptc: in the photo\n"
                   "txt: IMG_1.txt beside IMG_1.jpg, for training programs\n"
                   "alt: CSV of alternative texts; html: a page; dataset: for training elsewhere;\n"
                   "webdataset: tar shards with the photos in them, into the folder -o")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "csv", "jsonl", "coco", "xmp", "iptc", "txt", "alt", "html",
                             "dataset", "webdataset"}));
  verb->add_option("-o,--output", options->file, "file (default: standard output)")
      ->type_name("FILE");
  verb->add_flag(
      "--csv-safe", options->csv_safe,
      "for spreadsheets: puts a ' in front of text that they would evaluate as a formula");
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
                   "only captions that are right with at least this probability")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--limit", options->limit, "the first N photos only")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  verb->add_flag("--original", options->original,
                 "the model's caption also where a person has edited it (in xmp, iptc, txt, alt,\n"
                 "html, dataset and webdataset)");
  add_files_options(*verb, options->files);
  verb->footer(
      "Examples:\n"
      "  photoscribe export archive.db | less\n"
      "  photoscribe export archive.db --format csv -o captions.csv\n"
      "  photoscribe export archive.db --format jsonl --state failed\n"
      "  photoscribe export archive.db --format xmp --dry-run\n"
      "  photoscribe export archive.db --format xmp --min-confidence 0.5\n"
      "  photoscribe export archive.db --format alt --max-chars 125 -o alt.csv\n"
      "  photoscribe export archive.db --format webdataset -o shards\n"
      "An export during a run holds what has been recorded so far.");
  verb->callback([options, &action] { action = [options] { return export_captions(*options); }; });
}

}  // namespace photoscribe::cli
