// The verb ensemble: one model folder that combines several models.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "models/format/model_store.h"
#include "models/search/caption_network.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
namespace {

struct EnsembleOptions {
  std::vector<std::string> models;
  std::string output, name = "ensemble";
};

Status make_ensemble_folder(const EnsembleOptions& o) {
  const auto members = load_models(o.models);
  if (!members) return fail(members.error());
  std::size_t encoders = 0;
  const auto fit = guard(Errc::invalid_config, "ensemble", [&] {
    encoders = CaptionNetwork(members_of(*members), torch::kCPU, torch::kFloat32).encoders();
    return true;
  });
  if (!fit) return fail(fit.error());
  if (Status s = store_ensemble(o.output, o.name, *members); !s) return s;
  std::printf("%s: %zu models, %zu of their encoders differ\n", o.output.c_str(), members->size(),
              encoders);
  return {};
}

}  // namespace

void add_ensemble(CLI::App& app, Status& status) {
  const auto state = std::make_shared<EnsembleOptions>();
  CLI::App* verb = app.add_subcommand(
      "ensemble", "Combine several models into an ensemble that averages their probabilities");
  verb->add_option("MODEL", state->models, "Model folders of one input size and vocabulary")
      ->required()
      ->expected(2, 64)
      ->check(CLI::ExistingDirectory);
  verb->add_option(
          "--output", state->output,
          "Folder to create, with copies of the models, for photoscribe run --model FOLDER")
      ->required();
  verb->add_option("--name", state->name, "The model's name, for people")->capture_default_str();
  verb->callback([state, &status] { status = make_ensemble_folder(*state); });
}

}  // namespace photoscribe
