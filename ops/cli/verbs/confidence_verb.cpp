// confidence: fits a model's confidence on runs with references, from one or more databases.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "common/core/model_folder.h"
#include "common/scores/chair.h"
#include "common/scores/named_objects.h"
#include "common/text/safe_text.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/choose_run.h"
#include "ops/cli/score/confidence_output.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

struct ConfidenceOptions {
  explicit ConfidenceOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  std::vector<std::string> databases;  // none: the configured one
  std::vector<std::string> runs;       // none: the newest of each
  std::string write_to;
  double target_precision = 0.8;
  bool json = false;
};

/// Judged captions of several runs.
struct Gathered {
  std::string model_hash;  // of all
  std::vector<DomainName> domains;
  std::vector<JudgedCaption> captions;  // domain: index into domains
};

/// Confidence is fitted on this score, whichever mode judged the photo.
double full_score(const ResultRow& row) {
  return row.blur_scores ? row.blur_scores->of(BlurMode::full) : row.blur_score.value_or(0);
}

std::size_t place_of(std::vector<DomainName>& domains, DomainName name) {
  const auto found = std::find(domains.begin(), domains.end(), name);
  const auto place = static_cast<std::size_t>(found - domains.begin());
  if (found == domains.end()) domains.push_back(std::move(name));
  return place;
}

Status add_run(Lookup& store, const RunRow& run, const std::string& database, Gathered& all) {
  if (all.model_hash.empty()) all.model_hash = run.settings.model_hash;
  if (run.settings.model_hash != all.model_hash) {
    return fail(Errc::usage, shown(database) + ": run " + shown(run.name) + " is of model " +
                                 run.settings.model_hash.substr(0, 12) + ", another one of " +
                                 all.model_hash.substr(0, 12) + "; one model is fitted at a time");
  }
  const std::string stem = std::filesystem::path(database).stem().string();
  return store.for_each_result(run.id, [&](const ResultRow& row) -> Status {
    const bool own = row.model == run.settings.model_hash;  // else a result from before a --redo
    if (!own || !row.asked || !row.caption || !row.log_prob || !row.tokens) return {};
    const Expected<std::vector<std::string>> references = store.references_of(row.image_id);
    if (!references) return fail(references.error());
    if (references->empty()) return {};
    JudgedCaption one;
    one.features = confidence_features(*row.log_prob, *row.tokens, full_score(row), row.evidence,
                                       named_objects(*row.caption, row.concepts));
    one.good = !names_what_is_absent(ObjectLexicon::built_in(), *row.caption, *references);
    one.domain = place_of(all.domains, {stem, run.name, row.root});
    all.captions.push_back(one);
    return {};
  });
}

Status add_database(const ConfidenceOptions& options, const std::string& database, Gathered& all) {
  std::error_code failed;
  if (!std::filesystem::exists(database, failed))
    return fail(Errc::usage, shown(database) + ": no such database");
  Expected<Store> store = Store::open_reader(database);
  if (!store) return fail(store.error());
  std::vector<RunRow> runs;
  for (const std::string& name : options.runs) {
    Expected<std::optional<RunRow>> found = store->find_run(name);
    if (!found) return fail(found.error());
    if (*found) runs.push_back(std::move(**found));
  }
  if (runs.empty()) {
    const std::string name = options.runs.empty() ? "" : options.runs.front();
    Expected<RunRow> run = choose_run(*store, name, database, "fitting on");
    if (!run) return fail(run.error());
    runs.push_back(std::move(*run));
  }
  for (const RunRow& run : runs) {
    if (Status added = add_run(*store, run, database, all); !added) return added;
  }
  return {};
}

Expected<Gathered> gather(const ConfidenceOptions& options) {
  std::vector<std::string> databases = options.databases;
  if (databases.empty()) {
    const Expected<LoadedConfig> loaded = options.settings.load();
    if (!loaded) return fail(loaded.error());
    databases.push_back(loaded->config.database);
  }
  Gathered all;
  for (const std::string& database : databases) {
    if (Status added = add_database(options, database, all); !added) return fail(added.error());
  }
  return all;
}

Status check_model_folder(const std::string& folder, const std::string& hash) {
  const Expected<ModelFolder> model = read_model_folder(folder);
  if (!model) return fail(model.error());
  if (model->hash == hash) return {};
  return fail(Errc::usage,
              shown(folder) + ": is not the model of these runs (" + hash.substr(0, 12) + ")");
}

Expected<FittedConfidence> fit(const ConfidenceOptions& options) {
  const Expected<Gathered> all = gather(options);
  if (!all) return fail(all.error());
  if (!options.write_to.empty()) {
    if (Status same = check_model_folder(options.write_to, all->model_hash); !same)
      return fail(same.error());
  }
  const Expected<ConfidenceModel> model = fit_confidence(all->captions);
  if (!model) return fail(model.error());
  const auto held_out = cross_validated(all->captions);
  if (!held_out) return fail(held_out.error());
  return fitted_confidence(*model, all->captions, *held_out, labels_of(all->domains),
                           options.target_precision);
}

int run_confidence(const ConfidenceOptions& options) {
  const Expected<FittedConfidence> fitted = fit(options);
  if (!fitted) return report("confidence", fitted.error());
  write_all(STDOUT_FILENO, options.json ? confidence_json(*fitted) : confidence_text(*fitted));
  if (options.write_to.empty()) return kExitDone;
  if (!fitted->min) {
    return report("confidence", Error{Errc::usage,
                                      "no minimum confidence reaches that precision, so nothing "
                                      "was written; lower --target-precision"});
  }
  const Status written = write_confidence(options.write_to, fitted->model);
  return written ? kExitDone : report("confidence", written.error());
}

}  // namespace

void add_confidence(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "confidence", "fit the probability that a caption is right, on runs that have references");
  const auto options = std::make_shared<ConfidenceOptions>(*verb);
  verb->add_option("databases", options->databases,
                   "the SQLite databases, ideally of several kinds of photos (default: archive.db)")
      ->type_name("DB");
  verb->add_option("--run", options->runs,
                   "the run's name, in any of them (repeatable; default: the newest of each)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  verb->add_option("--target-precision", options->target_precision,
                   "share of the shown captions that should be right (default: 0.8)")
      ->type_name("P")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--write", options->write_to, "write the result to this model's model.yaml")
      ->type_name("MODEL");
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "A logistic regression on what the network and its search know about a caption, and on the\n"
      "objects that it names. Right means that it names nothing that is absent from every\n"
      "reference (CHAIR). Every domain (database, "
      "run, root)\n"
      "counts alike. Runs with that model then store a probability with every caption, and those\n"
      "below its `min` are unsure (run --min-confidence). Example:\n"
      "  photoscribe confidence flickr.db coco.db --write models/fast");
  verb->callback([options, &action] { action = [options] { return run_confidence(*options); }; });
}

}  // namespace photoscribe::cli
