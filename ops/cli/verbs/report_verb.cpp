// report: a run's scores, distributions and photos to look at, as a page, a table or numbers.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "common/core/model_folder.h"
#include "common/core/output_file.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/locate.h"
#include "ops/cli/run/choose_run.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/run/thumbnails.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "ops/report/page.h"
#include "ops/report/report.h"
#include "ops/report/tables.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

struct ReportVerb {
  explicit ReportVerb(CLI::App& verb) : settings(verb), database(settings) {
    settings.remote_flags();  // for the thumbnails
  }
  Settings settings;
  DatabaseOption database;
  std::string run, against, against_database;
  std::string html;  // file; empty: none
  bool markdown = false, json = false;
  report::ReportOptions options;
};

std::string bytes_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The model card, if the model found here is the run's.
std::string model_card(const Settings& settings, const RunRow& run) {
  const Expected<LoadedConfig> loaded = settings.load();
  if (!loaded) return {};
  const Expected<std::string> folder = find_model_folder(loaded->config);
  if (!folder) return {};
  const Expected<ModelFolder> model = read_model_folder(*folder);
  if (!model || model->hash != run.settings.model_hash) return {};
  return bytes_of(*folder + "/MODEL_CARD.md");
}

report::Thumbnailer thumbnailer(const Settings& settings) {
  return [&settings](const std::vector<std::string>& files) {
    return make_thumbnails(settings, files);
  };
}

Expected<report::Report> make(const ReportVerb& verb) {
  const Expected<std::string> database = verb.database.path();
  if (!database) return fail(database.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, verb.run, *database, "reporting on");
  if (!run) return fail(run.error());
  report::ReportOptions options = verb.options;
  options.database = *database;
  options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  if (!verb.html.empty()) options.thumbnails = thumbnailer(verb.settings);
  options.model_card = model_card(verb.settings, *run);
  if (verb.against.empty() && verb.against_database.empty()) {
    return make_report(*store, run->id, options);
  }
  const std::string& other_file = verb.against_database.empty() ? *database : verb.against_database;
  Expected<Store> other = Store::open_reader(other_file);
  if (!other) return fail(other.error());
  const Expected<RunRow> against = choose_run(*other, verb.against, other_file, "comparing with");
  if (!against) return fail(against.error());
  return make_report(*store, run->id, options, &*other, against->id);
}

int run_report(const ReportVerb& verb) {
  const Expected<report::Report> made = make(verb);
  if (!made) return report("report", made.error());
  if (!verb.html.empty()) {
    if (Status written = write_output(verb.html, html_page(*made)); !written) {
      return report("report", written.error());
    }
    write_all(STDERR_FILENO,
              "Wrote " + shown(verb.html) + "; any browser opens it, even offline.\n");
  }
  if (verb.json) {
    write_all(STDOUT_FILENO, to_json(*made).dump() + "\n");
  } else if (verb.markdown || verb.html.empty()) {
    write_all(STDOUT_FILENO, markdown(*made));
  }
  return kExitDone;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "report", "scores with intervals, distributions, and the photos worth looking at");
  const auto options = std::make_shared<ReportVerb>(*verb);
  verb->add_option("--html", options->html, "write one self-contained page")->type_name("FILE");
  auto* const json = verb->add_flag("--json", options->json, "print every number as JSON");
  verb->add_flag("--markdown", options->markdown, "print tables (without --html: the default)")
      ->excludes(json);
  verb->add_option("--run", options->run, "the run's name (default: the newest)")
      ->type_name("NAME");
  verb->add_option("--against", options->against,
                   "compare its scores with those of run NAME, photo by photo")
      ->type_name("NAME");
  verb->add_option("--against-database", options->against_database,
                   "the database of that run (without --against: its newest run)")
      ->type_name("FILE");
  verb->add_option("--bootstrap", options->options.resamples,
                   "resamples for intervals and p values (default: 1000)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  verb->add_option("--seed", options->options.seed, "seed of the bootstrap (default: 12345)")
      ->type_name("N");
  verb->add_option("--gallery", options->options.gallery_photos,
                   "photos of each kind on the page (default: 24)")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000));
  options->settings.flag("--model", "model", "FOLDER",
                         "the run's model, for its card (default: the bundled one)");
  verb->footer(
      "Scores need references: photoscribe run PHOTOS --references FILE. Examples:\n"
      "  photoscribe report archive.db --html report.html\n"
      "  photoscribe report archive.db --run beam5 --against default\n"
      "  photoscribe report archive.db --json | jq .scores.clear");
  verb->callback([options, &action] { action = [options] { return run_report(*options); }; });
}

}  // namespace photoscribe::cli
