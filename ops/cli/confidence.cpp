// confidence: fits a model's confidence on a run that has references.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/core/model_folder.h"
#include "ops/cli/choose_run.h"
#include "ops/cli/database_option.h"
#include "ops/cli/exit_status.h"
#include "ops/cli/human_numbers.h"
#include "ops/cli/safe_text.h"
#include "ops/cli/terminal.h"
#include "ops/cli/verbs.h"
#include "ops/report/confidence_fit.h"
#include "ops/report/evaluation.h"
#include "ops/report/tables.h"

namespace photoscribe::cli {
namespace {

struct ConfidenceOptions {
  explicit ConfidenceOptions(CLI::App& verb) : settings(verb), database(settings) {}
  Settings settings;
  DatabaseOption database;
  std::string run, write_to;
  bool json = false;
};

struct Fitted {
  ConfidenceModel model;
  report::Reliability held_out;  // of captions that the fit did not see
};

/// What confidence is fitted on, whatever the mode that judged.
double full_score(const ResultRow& row) {
  return row.blur_scores ? row.blur_scores->of(BlurMode::full) : row.blur_score.value_or(0);
}

/// Captions with references, and whether they are good, in the order of their image ids.
Expected<std::vector<report::JudgedCaption>> judged_captions(Store& store, const RunRow& run) {
  report::Evaluator evaluator;
  std::vector<std::pair<std::int64_t, ConfidenceFeatures>> captions;
  Status read = store.for_each_result(run.id, [&](const ResultRow& row) -> Status {
    if (!row.asked || !row.caption || !row.log_prob || !row.tokens) return {};
    const Expected<std::vector<std::string>> references = store.references_of(row.image_id);
    if (!references) return fail(references.error());
    if (references->empty()) return {};
    evaluator.add(row, *references);
    captions.emplace_back(row.image_id,
                          confidence_features(*row.log_prob, *row.tokens, full_score(row)));
    return {};
  });
  if (!read) return fail(read.error());
  report::ReportOptions options;
  options.resamples = 1;  // intervals are not wanted here
  const Expected<report::Evaluation> scored = evaluator.finish(run, options, std::nullopt);
  if (!scored) return fail(scored.error());
  std::vector<report::JudgedCaption> judged;
  for (const auto& [image_id, features] : captions) {
    const PhotoScore* score = evaluator.score_of_photo(image_id);
    judged.push_back({features, score != nullptr && score->cider_d >= kGoodCaptionCiderD});
  }
  return judged;
}

Expected<Fitted> fit(const ConfidenceOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return fail(database.error());
  Expected<Store> store = Store::open_reader(*database);
  if (!store) return fail(store.error());
  const Expected<RunRow> run = choose_run(*store, options.run, *database, "fitting on");
  if (!run) return fail(run.error());
  if (!options.write_to.empty()) {
    const Expected<ModelFolder> model = read_model_folder(options.write_to);
    if (!model) return fail(model.error());
    if (model->hash != run->settings.model_hash) {
      return fail(Errc::usage, shown(options.write_to) + ": is not the model of run " +
                                   shown(run->name) + " (" +
                                   run->settings.model_hash.substr(0, 12) + ")");
    }
  }
  const auto judged = judged_captions(*store, *run);
  if (!judged) return fail(judged.error());
  const Expected<ConfidenceModel> model = report::fit_confidence(*judged);
  if (!model) return fail(model.error());
  const auto probabilities = report::cross_validated(*judged);
  if (!probabilities) return fail(probabilities.error());
  std::vector<bool> good;
  for (const report::JudgedCaption& one : *judged) good.push_back(one.good);
  return Fitted{*model, report::reliability_of(*probabilities, good)};
}

std::string text_of(const Fitted& fitted) {
  const report::Reliability& r = fitted.held_out;
  char line[256];
  std::snprintf(line, sizeof line,
                "%s captions, %.1f %% of them good. On captions that the fit did not see:\n"
                "  area under the ROC curve %.3f, Brier score %.4f (constant guess %.4f), "
                "calibration error %.4f\n\n",
                grouped(r.captions).c_str(), 100 * r.share_good, r.auc, r.brier,
                r.share_good * (1 - r.share_good), r.ece);
  std::string out = line;
  out += "  predicted  good      captions\n";
  for (const report::ReliabilityBin& bin : r.bins) {
    std::snprintf(line, sizeof line, "  %8.1f %%  %5.1f %%  %s\n", 100 * bin.predicted,
                  100 * bin.good, grouped(bin.captions).c_str());
    out += line;
  }
  return out + "\n" + to_yaml(fitted.model);
}

std::string json_of(const Fitted& fitted) {
  nlohmann::json object = report::to_json(fitted.held_out);
  object["bias"] = fitted.model.bias;
  object["weights"] = fitted.model.weights;
  return object.dump() + "\n";
}

int run_confidence(const ConfidenceOptions& options) {
  const Expected<Fitted> fitted = fit(options);
  if (!fitted) return report("confidence", fitted.error());
  write_all(STDOUT_FILENO, options.json ? json_of(*fitted) : text_of(*fitted));
  if (options.write_to.empty()) return kExitDone;
  const Status written = write_confidence(options.write_to, fitted->model);
  return written ? kExitDone : report("confidence", written.error());
}

}  // namespace

void add_confidence(CLI::App& app, Action& action) {
  CLI::App* const verb = app.add_subcommand(
      "confidence", "fit how likely a caption is good, on a run that has references");
  const auto options = std::make_shared<ConfidenceOptions>(*verb);
  verb->add_option("--run", options->run, "the run's name (default: the newest)")
      ->type_name("NAME");
  verb->add_option("--write", options->write_to, "put the result into this model's model.yaml")
      ->type_name("MODEL");
  verb->add_flag("--json", options->json, "one JSON object");
  verb->footer(
      "A logistic regression on log-probability, length and blur score; good means CIDEr-D of at\n"
      "least 50 (of 100). Runs with that model then store a probability with every caption\n"
      "(export --min-confidence, view caption_confidence). Example:\n"
      "  photoscribe confidence dev.db --write models/fast");
  verb->callback([options, &action] { action = [options] { return run_confidence(*options); }; });
}

}  // namespace photoscribe::cli
