// The verb average: the mean of several runs' weights.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "models/train/average.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {

void add_average(CLI::App& app, Status& status) {
  struct State {
    std::vector<std::string> files;
    std::string output;
  };
  const auto state = std::make_shared<State>();
  CLI::App* verb = app.add_subcommand(
      "average",
      "Average the weights of trainings that started from the same weights (a model soup)");
  verb->add_option("WEIGHTS", state->files, "best.safetensors of each training's work folder")
      ->required()
      ->expected(2, 64)
      ->check(CLI::ExistingFile);
  verb->add_option(
          "--output", state->output,
          "File to write, for fit --start FILE --architecture NAME --epochs 0, which makes a model "
          "from it")
      ->required();
  verb->callback([state, &status] {
    const auto mean = average_weights(state->files);
    status = mean ? save_weights(state->output, *mean) : Status(fail(mean.error()));
    if (status) std::printf("%s: the mean of %zu\n", state->output.c_str(), state->files.size());
  });
}

}  // namespace photoscribe
