// The verb fit-encoder: an encoder that recognises more.
#include <CLI/CLI.hpp>
#include <memory>

#include "models/train/encoder_fit.h"
#include "models/train/progress/stop.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {

void add_fit_encoder(CLI::App& app, const std::string& command, Status& status) {
  struct State {
    EncoderFitOptions options;
    int threads = 0;
  };
  const auto state = std::make_shared<State>();
  EncoderFitOptions& o = state->options;
  o.command = command;
  CLI::App* verb = app.add_subcommand(
      "fit-encoder", "Move the last blocks of a model's encoder until it recognises more concepts");
  verb->footer(
      "Learns from the words of captions, and from --concept-labels; what neither says about a\n"
      "photo with one or two captions stays as the model had it. Writes the model with the "
      "weights\n"
      "that rank the dev photos best. Its decoder has not seen the new features: go on with\n"
      "  photoscribe-train fit --start OUTPUT --no-teacher …\n"
      "Ctrl-C keeps what is done; the same command resumes there.\n"
      "Exit status: 0 done, 2 usage, 3 environment, 4 stopped before the end (run it again).");
  verb->add_option("MODEL", o.model, "Model folder with concepts")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_sources(*verb, o.sources);
  verb->add_option(
      "--train", o.splits.train,
      "Photos to train on: a list (a tab and a number: how often the photo counts), or "
      "a split of the captions. Default: as for fit");
  verb->add_option("--dev", o.splits.dev,
                   "Photos that decide which weights are the best: a list, or a split. Default: as "
                   "for fit");
  verb->add_option("--dev-captions", o.splits.dev_captions,
                   "Captions of those photos, if they are in other files")
      ->check(CLI::ExistingFile);
  verb->add_option("--dev-share", o.splits.dev_share,
                   "Share of the photos to hold out for evaluation if no list or split says which; "
                   "WORK/dev.txt lists them")
      ->check(CLI::Range(0.001, 0.9))
      ->capture_default_str();
  verb->add_flag("--allow-overlap", o.splits.overlap,
                 "Allow photos in both train and dev, which makes scores too good");
  verb->add_option("--concept-labels", o.concept_labels, "Labels of another classifier, as for fit")
      ->check(CLI::ExistingFile);
  verb->add_option("--output", o.output, "Model folder to write")->required();
  verb->add_option("--work", o.work,
                   "Folder for features and checkpoint; the same folder resumes. Default: "
                   "OUTPUT.work");
  verb->add_option("--features", o.features,
                   "Folder for the features, which several trainings may share. Default: WORK");
  verb->add_option("--cache-block", o.cache_block,
                   "Cache the features after this block of the encoder, such as features.13, and "
                   "move what follows it")
      ->required();
  verb->add_option("--views", o.views, "Views of each photo: unchanged, flipped, then random crops")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_flag("--mirror,!--no-mirror", o.mirror, "The second view is flipped (default)");
  verb->add_flag("--bfloat16", o.bfloat16,
                 "Multiply matrices in bfloat16: faster on processors with AMX, slower on others");
  verb->add_option("--epochs", o.epochs, "")->check(CLI::PositiveNumber)->capture_default_str();
  verb->add_option("--batch-photos", o.batch_photos, "Photos a step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--rate", o.rate, "Peak learning rate of the classifier")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--encoder-share", o.encoder_share, "Share of that rate for the encoder")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--keep", o.keep,
                   "Weight of the features' distance from what they were, as a share of their "
                   "variance")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--weight-decay", o.weight_decay, "")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--average", o.average, "Decay of the moving average of the weights per step")
      ->check(CLI::Range(0.0, 0.99999))
      ->capture_default_str();
  verb->add_option("--seed", o.seed, "")->capture_default_str();
  verb->add_option("--checkpoint-steps", o.checkpoint_steps, "")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--score-steps", o.score_steps,
                   "How often the dev photos are scored; 0: after each epoch")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_threads(*verb, state->threads);
  verb->callback([state, &status] {
    use_threads(state->threads);
    EncoderFitOptions& options = state->options;
    if (options.work.empty()) options.work = options.output + ".work";
    stop_on_signals();
    status = fit_encoder(options);
  });
}

}  // namespace photoscribe
