#include "models/train/verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "models/decoder/decoder.h"
#include "models/train/fit.h"
#include "models/train/progress/stop.h"
#include "models/train/verbs/finetune_verb.h"
#include "models/train/verbs/verb_options.h"

namespace photoscribe {
void add_sources(CLI::App& verb, CaptionSources& sources) {
  verb.add_option("--photos", sources.photos,
                  "Folder of the photos; several are searched together, and their subfolders if "
                  "the captions' names are not found at once")
      ->required()
      ->check(CLI::ExistingDirectory);
  verb.add_option(
          "--captions", sources.captions,
          "Captions in any format that photoscribe score reads: Flickr8k's and Flickr30k's "
          ".token, CSV, COCO's or Karpathy's JSON, JSON Lines; or a database of photoscribe, whose "
          "edited captions are taken (photoscribe caption); several files are combined")
      ->required()
      ->check(CLI::ExistingFile);
  verb.add_flag("--skip-missing", sources.skip_missing,
                "Skip photos of a list that do not exist or have no caption");
}

namespace {

void add_fit_files(CLI::App& verb, FitOptions& o) {
  add_sources(verb, o.sources);
  verb.add_option(
      "--train,--split", o.splits.train,
      "Photos to train on: a list, one name per line (optionally a tab and how often an epoch "
      "shows it), or a split of the captions, such as train or train+restval. Default: the splits "
      "train and restval if the captions have them, else all photos that --dev does not name");
  verb.add_option("--dev", o.splits.dev,
                  "Photos that decide which epoch is best: a list, or a split. Default: all of "
                  "--dev-captions, else the split val if the captions have it, else --dev-share");
  verb.add_option("--dev-captions", o.splits.dev_captions,
                  "Captions of those photos, if they are in other files, such as COCO's "
                  "captions_val2014.json")
      ->check(CLI::ExistingFile);
  verb.add_option("--dev-share", o.splits.dev_share,
                  "Share of the photos to hold out for evaluation if no list or split says which, "
                  "at most 5,000, chosen by a hash of the name. WORK/dev.txt lists them")
      ->check(CLI::Range(0.001, 0.9))
      ->capture_default_str();
  verb.add_flag("--allow-overlap", o.splits.overlap,
                "Allow photos in both train and dev, which makes scores too good");
  verb.add_option(
          "--encoder", o.encoder,
          "The encoder's weights, as written by photoscribe-train import. Required without --start")
      ->check(CLI::ExistingFile);
  verb.add_option("--start", o.start,
                  "Initial weights: a model's folder, whose words may differ and whose encoder, "
                  "sizes and search are then the defaults; or best.safetensors of another "
                  "training's work folder, which holds its words as well. The features are then "
                  "those of its encoder")
      ->check(CLI::ExistingPath);
  verb.add_option("--output", o.output, "Model folder to write")->required();
  verb.add_option("--work", o.work,
                  "Folder for features, checkpoint and curve.csv; the same folder resumes a killed "
                  "training. Default: OUTPUT.work");
  verb.add_option(
      "--features", o.features,
      "Folder for the encoder's features, which several trainings may share. Default: WORK");
  verb.add_option("--cache-block", o.cache_block,
                  "Cache the features after this block of the encoder, such as features.5.5, and "
                  "train what follows it, too. Default: the encoder's end");
  verb.add_option("--views", o.views,
                  "Views of each photo to cache: unchanged, flipped, then random crops")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  verb.add_option("--teacher", o.teacher,
                  "A file written by photoscribe-train teach: the first stage learns from it, too")
      ->check(CLI::ExistingFile);
  verb.add_option("--teacher-share", o.loss.teacher_share, "Its share of the first stage's loss")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  add_fine_tuning(verb, o);
  verb.add_option("--name", o.name, "The model's name, for people")->capture_default_str();
  verb.add_option("--concepts", o.concepts,
                  "Things to look for in photos, one per line: name, further words | ImageNet "
                  "classes. A classifier of them is trained on the captions, and the decoder sees "
                  "the likeliest beside the photo")
      ->check(CLI::ExistingFile);
  verb.add_option(
          "--concept-labels", o.concept_labels,
          "Labels of another classifier to train that one on: JSON Lines, {\"id\": NAME, "
          "\"concepts\": {WORD: PROBABILITY}}; 0: it is not there, a missing word: it may be")
      ->check(CLI::ExistingFile);
  verb.add_option("--concept-photos", o.concept_photos,
                  "List of more photos in the folder, with labels but without captions")
      ->check(CLI::ExistingFile);
  verb.add_option("--text", o.text,
                  "Sentences without photos, one per line: the first stage learns from them what "
                  "to say about concepts that no photo shows")
      ->check(CLI::ExistingFile);
}

void add_fit_network(CLI::App& verb, FitOptions& o) {
  const auto size = CLI::Range(1, 65'536);
  verb.add_option("--architecture", o.architecture.encoder,
                  "The encoder's architecture. Default: as its file says, else mobilenet_v2");
  verb.add_option("--decoder", o.architecture.decoder)
      ->check(CLI::IsMember(decoder_names()))
      ->capture_default_str();
  verb.add_option("--side", o.architecture.input_side_px,
                  "Side in pixels of the square that photos are resized to, a multiple of 32")
      ->check(CLI::Range(32, 2'048))
      ->capture_default_str();
  verb.add_option("--annotation-size", o.architecture.annotation_size)
      ->check(size)
      ->capture_default_str();
  verb.add_option("--attention-size", o.architecture.attention_size)
      ->check(size)
      ->capture_default_str();
  verb.add_option("--embedding-size", o.architecture.embedding_size)
      ->check(size)
      ->capture_default_str();
  verb.add_option("--hidden-size", o.architecture.hidden_size)->check(size)->capture_default_str();
  verb.add_option("--words-count-min", o.words.count_min,
                  "Words that occur less often in the captions and the text are unknown words")
      ->capture_default_str();
  verb.add_option("--words-max", o.words.words_max,
                  "Keep at most this many words, the most frequent; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--concept-slots", o.architecture.concept_slots,
                  "Concepts that the decoder sees, the likeliest, with --concepts")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb.add_option("--beam", o.search.beam, "Beam of the dev score, and the model's default")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb.add_option("--tokens-max", o.search.tokens_max, "Most words of a caption")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--length-alpha", o.search.length_alpha, "Length normalisation")
      ->capture_default_str();
}

void add_fit_critic(CLI::App& verb, FitOptions& o) {
  verb.add_option(
          "--critic-epochs", o.critic_epochs,
          "Epochs of self-critical training on CIDEr-D and BLEU, after those of cross entropy")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--critic-rate", o.critic_rate)->capture_default_str();
  verb.add_option("--critic-photos", o.critic_photos, "Photos a step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--critic-samples", o.critic_samples, "Captions sampled for each photo")
      ->check(CLI::Range(2, 64))
      ->capture_default_str();
  verb.add_option("--critic-dropout", o.critic_dropout)
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str();
  verb.add_option("--critic-score-steps", o.critic_score_steps,
                  "How often the dev split is scored; 0: at the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--reward-cider", o.reward.cider, "Weight of CIDEr-D in the reward")
      ->capture_default_str();
  verb.add_option("--reward-false-concept", o.reward.false_concept,
                  "Subtracted from the reward for each concept that a caption names and no "
                  "reference does, with --concepts")
      ->capture_default_str();
  verb.add_option("--reward-main-concept", o.reward.main_concept,
                  "Added to the reward for each concept that three references name and the caption "
                  "names, with --concepts")
      ->capture_default_str();
  verb.add_option("--reward-bleu", o.reward.bleu, "Weight of the mean of BLEU-1..4 in the reward")
      ->capture_default_str();
}

void add_fit_schedule(CLI::App& verb, FitOptions& o) {
  verb.add_option("--epochs", o.epochs, "Epochs of cross entropy on cached features")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_option("--batch-photos", o.batch_photos, "Photos per step, with all their captions")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--text-rows", o.text_rows, "Sentences per step, with --text")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--text-share", o.text_share,
                  "Weight of their loss relative to that of the photos")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb.add_flag("--bfloat16", o.bfloat16,
                "Multiply matrices in bfloat16: two to three times as fast on processors with AMX, "
                "slower on others");
  verb.add_option("--rate", o.rate, "Peak learning rate")->capture_default_str();
  verb.add_option("--encoder-share", o.encoder_share,
                  "Share of the learning rate for the encoder after --cache-block")
      ->capture_default_str();
  verb.add_option("--rate-end", o.rate_end, "Share of the rate at the end of the cosine")
      ->capture_default_str();
  verb.add_option("--warmup-steps", o.warmup_steps,
                  "Steps up to the peak rate, at most a tenth of all")
      ->capture_default_str();
  verb.add_option("--weight-decay", o.weight_decay)->capture_default_str();
  verb.add_option("--clip-norm", o.clip_norm, "Norm that gradients are clipped to; 0: never")
      ->capture_default_str();
  verb.add_option("--dropout", o.loss.dropout)->check(CLI::Range(0.0, 0.95))->capture_default_str();
  verb.add_option("--annotation-dropout", o.loss.annotation_dropout)
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str();
  verb.add_option("--label-smoothing", o.loss.label_smoothing)
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str();
  verb.add_option("--attention-penalty", o.loss.attention_penalty,
                  "Weight of the doubly stochastic penalty")
      ->capture_default_str();
  verb.add_option("--patience", o.patience,
                  "Epochs without a better dev score before training ends")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option_function<std::string>(
          "--select-by",
          [&o](const std::string& score) {
            o.select_by = score == "cider" ? SelectBy::cider : SelectBy::bleu4;
          },
          "The dev score that decides what is better. Default: bleu4")
      ->check(CLI::IsMember({"bleu4", "cider"}));
  verb.add_flag("--mirror,!--no-mirror", o.mirror, "Flip half of the photos (default)");
  verb.add_option("--seed", o.seed)->capture_default_str();
  verb.add_option("--checkpoint-steps", o.checkpoint_steps)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--steps-max", o.steps_max, "Stop the first stage there; 0: no limit")
      ->capture_default_str();
  verb.add_option("--average", o.average,
                  "Decay of the moving average of the weights, such as 0.999; the average is "
                  "scored and kept. 0: no average")
      ->check(CLI::Range(0.0, 0.99999))
      ->capture_default_str();
  add_fit_critic(verb, o);
  verb.add_option("--finetune-steps", o.finetune_steps,
                  "Steps of the last stage, which trains every layer of the encoder, too")
      ->capture_default_str();
  verb.add_option("--finetune-rate", o.finetune_rate)->capture_default_str();
  verb.add_flag("--finetune-critic", o.finetune_critic,
                "Make the last stage self-critical, as it is after --critic-epochs");
  verb.add_option("--finetune-photos", o.finetune_photos, "Photos per step of the last stage")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb.add_option("--finetune-score-steps", o.finetune_score_steps,
                  "How often the last stage scores the dev split; 0: at its end")
      ->capture_default_str();
}

/// Options that were not given are taken from the model that the run starts from, if it is one.
Status take_from_start(const CLI::App& verb, FitOptions& o) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(o.start, ignored)) return {};
  const auto folder = read_model_folder(o.start);
  if (!folder) return fail(folder.error());
  if (!folder->members.empty()) return {};  // read_start() refuses ensembles
  ModelArchitecture architecture = folder->architecture;
  SearchSettings search = folder->search;
  const auto typed = [&verb](const char* option, auto& into, const auto& from) {
    if (verb.count(option) > 0) into = from;
  };
  const ModelArchitecture& own = o.architecture;
  typed("--architecture", architecture.encoder, own.encoder);
  typed("--decoder", architecture.decoder, own.decoder);
  typed("--side", architecture.input_side_px, own.input_side_px);
  typed("--annotation-size", architecture.annotation_size, own.annotation_size);
  typed("--attention-size", architecture.attention_size, own.attention_size);
  typed("--embedding-size", architecture.embedding_size, own.embedding_size);
  typed("--hidden-size", architecture.hidden_size, own.hidden_size);
  typed("--concept-slots", architecture.concept_slots, own.concept_slots);
  typed("--beam", search.beam, o.search.beam);
  typed("--tokens-max", search.tokens_max, o.search.tokens_max);
  typed("--length-alpha", search.length_alpha, o.search.length_alpha);
  o.architecture = architecture;
  o.search = search;
  return {};
}

Status fit_as_typed(const CLI::App& verb, FitOptions& o) {
  if (o.work.empty()) o.work = o.output + ".work";
  if (o.features.empty()) o.features = o.work;
  if (Status s = take_from_start(verb, o); !s) return s;
  default_to_fine_tuning(verb, o);
  stop_on_signals();
  return fit(o);
}

void add_fit(CLI::App& app, const std::string& command, Status& status) {
  struct State {
    FitOptions options;
    int threads = 0;
  };
  const auto state = std::make_shared<State>();
  state->options.command = command;
  state->options.architecture.encoder.clear();
  state->options.architecture.concept_slots = 10;
  CLI::App* verb = app.add_subcommand("fit", "Train a model on captioned photos");
  verb->footer(
      "The minimum: photos, captions and a model to start from:\n"
      "  photoscribe-train fit --photos DIR --captions FILE --start models/fast --output MODEL\n"
      "From a model's folder, without --encoder, --concepts and --text, that model is fine-tuned\n"
      "on these photos: it keeps what it knows and learns their new words and things. The\n"
      "defaults are then those for some hundred photos: --rate 5e-3 --epochs 6 --dropout 0.3\n"
      "--words-count-min 3 --warmup-steps 10 --select-by cider. With --no-teacher (then --rate\n"
      "3e-4) all of it is trained, for many thousands of photos.\n"
      "COCO, its own split into train and val:\n"
      "  photoscribe-train fit --photos train2014 --photos val2014 --captions "
      "captions_train2014.json \\\n"
      "    --dev-captions captions_val2014.json --start models/fast --no-teacher --output MODEL\n"
      "Ctrl-C keeps what is done; the same command resumes there, and says when it has finished.\n"
      "Exit status: 0 done, 2 usage, 3 environment, 4 stopped before the end (run it again), 130 "
      "hard stop.");
  add_fit_files(*verb, state->options);
  add_fit_network(*verb, state->options);
  add_fit_schedule(*verb, state->options);
  add_threads(*verb, state->threads);
  verb->callback([state, verb, &status] {
    use_threads(state->threads);
    status = fit_as_typed(*verb, state->options);
  });
}

}  // namespace

void add_verbs(CLI::App& app, const std::string& command, Status& status) {
  add_fit(app, command, status);
  add_fit_encoder(app, command, status);
  add_replace_encoder(app, command, status);
  add_average(app, status);
  add_ensemble(app, status);
  add_import(app, status);
  add_init(app, status);
  add_inspect(app, status);
  add_evaluate(app, status);
  add_plot(app, status);
  add_quantize(app, status);
  add_teach(app, status);
  add_label(app, status);
  add_bench_network(app, status);
}

}  // namespace photoscribe
