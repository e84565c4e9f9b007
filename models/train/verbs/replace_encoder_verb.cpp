// The verb replace-encoder: another encoder under a model's decoder.
#include <CLI/CLI.hpp>
#include <memory>

#include "models/train/progress/stop.h"
#include "models/train/replace_encoder.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {

void add_replace_encoder(CLI::App& app, const std::string& command, Status& status) {
  struct State {
    ReplaceEncoderOptions options;
    int threads = 0;
  };
  const auto state = std::make_shared<State>();
  ReplaceEncoderOptions& o = state->options;
  o.command = command;
  CLI::App* verb = app.add_subcommand(
      "replace-encoder", "Give a model another encoder, and fit its decoder to what that sees");
  verb->footer(
      "The layer through which the decoder sees features is fitted by least squares on photos\n"
      "that both encoders are shown, the classifier of concepts by their captions; some thousand\n"
      "photos are enough. Go on with fit-encoder, or with fit --start OUTPUT --no-teacher …\n"
      "Exit status: 0 done, 2 usage, 3 environment, 4 stopped before the end.");
  verb->add_option("MODEL", o.model, "Model folder whose decoder is kept")
      ->required()
      ->check(CLI::ExistingDirectory);
  verb->add_option("--encoder", o.encoder,
                   "The encoder: a file that photoscribe-train import wrote, or the folder of a "
                   "model that has it")
      ->required()
      ->check(CLI::ExistingPath);
  verb->add_option("--side", o.side_px,
                   "Side in pixels of the square that photos are resized to, a multiple of 32. "
                   "Default: as the encoder's model has it, else as MODEL")
      ->check(CLI::Range(32, 2048));
  add_sources(*verb, o.sources);
  verb->add_option("--split", o.split,
                   "Photos to fit on: a list or a split's name. Default: all with captions");
  verb->add_option("--concept-labels", o.concept_labels, "Labels of another classifier, as for fit")
      ->check(CLI::ExistingFile);
  verb->add_option("--output", o.output, "Model folder to write")->required();
  verb->add_option("--seed", o.seed, "")->capture_default_str();
  add_threads(*verb, state->threads);
  verb->callback([state, &status] {
    use_threads(state->threads);
    ReplaceEncoderOptions& options = state->options;
    if (options.side_px % 32 != 0) {
      status = fail(Errc::usage, "--side is a multiple of 32");
      return;
    }
    stop_on_signals();
    status = replace_encoder(options);
  });
}

}  // namespace photoscribe
