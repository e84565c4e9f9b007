// The verb teach: models' probabilities at every position of the training captions.
#include <CLI/CLI.hpp>
#include <memory>

#include "models/train/teacher.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {

void add_teach(CLI::App& app, Status& status) {
  struct State {
    TeachOptions options;
    int threads = 0;
  };
  const auto state = std::make_shared<State>();
  TeachOptions& o = state->options;
  CLI::App* verb = app.add_subcommand(
      "teach", "Write the models' probabilities at each word of captions, for fit --teacher");
  verb->add_option("MODEL", o.models,
                   "Model folder; several form an ensemble that averages their probabilities")
      ->required();
  add_sources(*verb, o.sources);
  verb->add_option("--split", o.split,
                   "The same as fit's --train: a list or a split's name. WORK/train.txt lists what "
                   "fit chose itself")
      ->required();
  verb->add_option("--output", o.output, "File to write (.safetensors)")->required();
  verb->add_option("--words", o.words_kept, "Likeliest words to keep at each position")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  add_threads(*verb, state->threads);
  verb->callback([state, &status] {
    use_threads(state->threads);
    status = teach(state->options);
  });
}

}  // namespace photoscribe
