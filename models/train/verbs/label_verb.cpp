// The verb label: a classifier's labels of photos, for another one to learn from.
#include <CLI/CLI.hpp>
#include <memory>

#include "models/train/label.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {

void add_label(CLI::App& app, Status& status) {
  struct State {
    LabelOptions options;
    int threads = 0;
  };
  const auto state = std::make_shared<State>();
  LabelOptions& o = state->options;
  CLI::App* verb = app.add_subcommand(
      "label",
      "Write what a model recognises in photos, for --concept-labels of another's training");
  verb->add_option("MODEL", o.model, "Model folder with concepts")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_sources(*verb, o.sources);
  verb->add_option("--split", o.split,
                   "Photos to label: a list or a split's name. Default: all with captions");
  verb->add_option("--output", o.output, "File to write (.jsonl)")->required();
  verb->add_flag("--bfloat16", o.bfloat16,
                 "Multiply matrices in bfloat16: faster on processors with AMX, slower on others");
  add_threads(*verb, state->threads);
  verb->callback([state, &status] {
    use_threads(state->threads);
    status = label(state->options);
  });
}

}  // namespace photoscribe
