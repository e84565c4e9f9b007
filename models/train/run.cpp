#include "models/train/run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numbers>
#include <set>
#include <sstream>

#include "models/encoder/fast_encoder.h"
#include "models/format/model_store.h"
#include "models/train/augment.h"
#include "models/train/data/photo_finder.h"
#include "models/train/progress/curve_file.h"
#include "models/train/progress/progress_line.h"
#include "models/train/progress/stop.h"
#include "models/train/settings_text.h"
#include "models/train/weights.h"

namespace photoscribe {
namespace {

constexpr std::chrono::minutes kCheckpointEvery{10};

std::string count_of(std::int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// The photos that decode, each as often as an epoch shows it.
std::vector<std::int64_t> usable_of(const FeatureCache& cache,
                                    const std::vector<CaptionedPhoto>& photos) {
  std::vector<std::int64_t> usable;
  for (std::size_t i = 0; i < photos.size(); ++i)
    if (cache.usable(i))
      usable.insert(usable.end(), static_cast<std::size_t>(photos[i].times),
                    static_cast<std::int64_t>(i));
  return usable;
}

}  // namespace

Run::Run(const FitOptions& options, RunData data, Trainer& trainer)
    : options_(options),
      data_(std::move(data)),
      trainer_(trainer),
      train_usable_(usable_of(data_.train_features, data_.train)),
      dev_usable_(usable_of(data_.dev_features, data_.dev)),
      settings_(
          settings_text(options, data_.vocabulary, data_.train, data_.dev, train_usable_.size())) {}

Status Run::go() {
  if (train_usable_.empty() || dev_usable_.empty())
    return fail(Errc::environment, folders_text(options_.sources.photos) + ": no photo " +
                                       (train_usable_.empty() ? "to train on" : "for evaluation") +
                                       " decodes there");
  if (Status s = restore(); !s) return s;
  if (!progress_.ending.empty()) {
    std::fprintf(stderr, "already finished: %s\n", progress_.ending.c_str());
    if (read_model_folder(options_.output)) {
      print_next_step();
      return {};
    }
  }
  for (const Stage stage : {Stage::decoder, Stage::critic, Stage::whole}) {
    if (stage < progress_.stage || !wanted(stage)) continue;
    if (stage != progress_.stage) {
      if (Status s = enter(stage); !s) return s;
    }
    if (Status s = train_stage(); !s) return s;
    if (stopped_) return {};
  }
  return finish();
}

Status Run::restore() {
  auto restored = trainer_.restore(checkpoint(), settings_);
  if (!restored) return fail(restored.error());
  if (!*restored) {
    clear_captions(options_.work);
  } else {
    progress_ = **restored;
    if (progress_.ending.empty())
      std::fprintf(stderr, "resuming at step %lld of stage '%s'\n",
                   static_cast<long long>(progress_.step), to_string(progress_.stage));
  }
  progress_.curve = begin_curve(progress_.curve);
  return {};
}

bool Run::wanted(Stage stage) const {
  switch (stage) {
    case Stage::decoder:
      return options_.epochs > 0;
    case Stage::critic:
      return options_.critic_epochs > 0;
    case Stage::whole:
      return options_.finetune_steps > 0;
  }
  return false;
}

/// A stage starts from the best weights of the one before.
Status Run::enter(Stage stage) {
  if (std::filesystem::exists(best())) {
    const auto weights = load_tensors(best());
    if (!weights) return fail(weights.error());
    trainer_.set_weights(*weights);
  }
  trainer_.begin(stage);
  if (progress_.best_score >= 0) std::fprintf(stderr, "%s\n", ending().c_str());
  progress_.stage = stage;
  progress_.step = progress_.scored = 0;
  progress_.epochs_since_best = 0;
  progress_.best_score = -1;  // of this stage: the encoder of the final model must have changed
  progress_.best = {};
  progress_.loss_sum = progress_.loss_count = 0;
  pace_s_ = 0;
  std::fprintf(stderr, "%s\n",
               stage == Stage::critic ? "training on rewards of the decoder's captions"
                                      : "training encoder and decoder together");
  return {};
}

std::int64_t Run::steps_of_stage() const {
  const std::int64_t per_epoch = trainer_.steps_per_epoch(train_usable_.size());
  switch (progress_.stage) {
    case Stage::decoder:
      return options_.epochs * per_epoch;
    case Stage::critic:
      return options_.critic_epochs * per_epoch;
    case Stage::whole:
      return options_.finetune_steps;
  }
  return 0;
}

std::int64_t Run::steps_between_scores() const {
  switch (progress_.stage) {
    case Stage::decoder:
      return trainer_.steps_per_epoch(train_usable_.size());
    case Stage::critic:
      return options_.critic_score_steps > 0 ? options_.critic_score_steps : steps_of_stage();
    case Stage::whole:
      return options_.finetune_score_steps > 0 ? options_.finetune_score_steps : steps_of_stage();
  }
  return 1;
}

double Run::rate() const {
  const auto at = static_cast<double>(progress_.step), all = static_cast<double>(steps_of_stage());
  if (progress_.stage != Stage::decoder) {
    const double peak =
        progress_.stage == Stage::critic ? options_.critic_rate : options_.finetune_rate;
    return peak * std::min(1.0, (at + 1) / 10) * (1 - 0.9 * at / all);
  }
  const double warm = std::min(static_cast<double>(options_.warmup_steps), std::ceil(all / 10));
  if (at < warm) return options_.rate * (at + 1) / warm;
  const double share = (at - warm) / std::max(1.0, all - warm);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * share));
  return options_.rate * (options_.rate_end + (1 - options_.rate_end) * cosine);
}

double Run::step() {
  const Batch batch = trainer_.batch_of(progress_.step, train_usable_);
  if (progress_.stage == Stage::whole) {
    return trainer_.step_whole(
        batch, augmented_photos(options_, data_.train_paths, batch, progress_.step), rate());
  }
  const torch::Tensor features = data_.train_features.get(batch.photos, batch.view);
  return progress_.stage == Stage::critic ? trainer_.step_critic(batch, features, rate())
                                          : trainer_.step_decoder(batch, features, rate());
}

bool Run::out_of_patience() const {
  return progress_.stage == Stage::decoder && progress_.epochs_since_best >= options_.patience;
}

bool Run::score_is_due() const {
  return progress_.step > progress_.scored &&
         (progress_.step % steps_between_scores() == 0 || progress_.step == steps_of_stage());
}

bool Run::checkpoint_is_due() const {
  return progress_.step % options_.checkpoint_steps == 0 ||
         Clock::now() - saved_at_ >= kCheckpointEvery;
}

Status Run::train_stage() {
  const std::int64_t all = steps_of_stage();
  for (;;) {
    if (score_is_due()) {
      if (Status s = save(); !s) return s;  // scoring may take long
      const SplitScore score = score_dev();
      if (stop_requested()) return interrupted();
      if (Status s = take_score(score); !s) return s;
    }
    if (progress_.step >= all || out_of_patience()) return {};
    if (progress_.stage == Stage::decoder && options_.steps_max > 0 &&
        progress_.step >= options_.steps_max) {
      stopped_ = true;
      std::fprintf(stderr,
                   "stopped at step %lld because of --steps-max; it resumes without that option\n",
                   static_cast<long long>(progress_.step));
      return save();
    }
    if (stop_requested()) return interrupted();
    const auto start = Clock::now();
    const double number = step();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    progress_.seconds += seconds;
    note_progress(number, seconds);
    ++progress_.step;
    if (!score_is_due() && checkpoint_is_due()) {
      if (Status s = save(); !s) return s;
    }
  }
}

Status Run::save() {
  saved_at_ = Clock::now();
  return trainer_.save(checkpoint(), progress_, settings_);
}

Status Run::interrupted() {
  if (Status s = save(); !s) return s;
  return fail(Errc::cancelled, "stopped at step " + std::to_string(progress_.step) + " of " +
                                   std::to_string(steps_of_stage()) + " of stage '" +
                                   to_string(progress_.stage) + "', kept in " + checkpoint() +
                                   "; the same command resumes there: " + options_.command);
}

SplitScore Run::score_dev() const {
  std::function<torch::Tensor(const std::vector<std::int64_t>&)> features =
      [this, encoder = trainer_.encoder()](const std::vector<std::int64_t>& some) {
        const torch::NoGradGuard no_grad;
        return finish_encoding(encoder, options_.cache_block, data_.dev_features.get(some, {}));
      };
  if (progress_.stage == Stage::whole) {
    const int side = options_.architecture.input_side_px;
    const auto encoder = std::make_shared<FastEncoder>(trainer_.encoder(), side);
    features = [this, encoder, side](const std::vector<std::int64_t>& some) {
      std::vector<torch::Tensor> images;
      for (const std::int64_t i : some) {
        const auto photo = read_photo(data_.dev.at(static_cast<std::size_t>(i)).path, side);
        images.push_back(normalise(*photo, options_.architecture).permute({1, 2, 0}));
      }
      return encoder->forward(at::stack(images).contiguous());
    };
  }
  return score_split(trainer_.search(), options_.search, data_.vocabulary, data_.dev, dev_usable_,
                     features);
}

std::int64_t Run::epoch() const {
  return progress_.stage == Stage::decoder ? progress_.step / steps_between_scores()
                                           : progress_.step;
}

Status Run::take_score(const SplitScore& score) {
  const double loss = progress_.loss_sum / std::max(1.0, progress_.loss_count);
  progress_.curve += curve_line(progress_, {epoch(), rate(), loss, score});
  std::vector<std::string> names;
  for (const std::int64_t i : dev_usable_)
    names.push_back(data_.dev[static_cast<std::size_t>(i)].name);
  if (Status s = write_curve(options_.work, progress_, names, score.captions); !s) return s;
  std::fprintf(stderr,
               "%s %lld: %.3f, dev BLEU-1..4 %.1f %.1f %.1f %.1f, CIDEr-D %.1f over %lld photos, "
               "beam %d; %s\n",
               progress_.stage == Stage::decoder ? "epoch" : "step",
               static_cast<long long>(epoch()), loss, 100 * score.bleu[0], 100 * score.bleu[1],
               100 * score.bleu[2], 100 * score.bleu[3], 100 * score.cider,
               static_cast<long long>(score.photos), options_.search.beam,
               clock_text(progress_.seconds).c_str());
  for (std::size_t i = 0; i < std::min<std::size_t>(3, names.size()); ++i)
    std::fprintf(stderr, "  %s: %s\n", names[i].c_str(), score.captions[i].c_str());
  ++progress_.epochs_since_best;
  const double decides = options_.select_by == SelectBy::bleu4 ? score.bleu[3] : score.cider;
  if (decides > progress_.best_score) {
    progress_.best_score = decides;
    progress_.best = {progress_.step, epoch(), score.bleu[3], score.cider};
    progress_.epochs_since_best = 0;
    const TensorMap weights = trainer_.weights();
    if (Status s = save_weights(best(), {weights, data_.vocabulary.words()}); !s) return s;
    if (Status s = write_model(options_.work + "/snapshot", weights); !s) return s;
  }
  progress_.loss_sum = progress_.loss_count = 0;
  progress_.scored = progress_.step;
  return save();
}

std::string Run::ending() const {
  const bool first = progress_.stage == Stage::decoder;
  const char* const score = options_.select_by == SelectBy::bleu4 ? "BLEU-4" : "CIDEr-D";
  if (progress_.best_score < 0) return "nothing was trained: no epochs, no steps";
  std::string text;
  if (out_of_patience()) {
    text = "stopped after epoch " + std::to_string(epoch()) + ": no better " + score + " in " +
           count_of(options_.patience, "epoch");
  } else if (first) {
    text = "stopped after epoch " + std::to_string(epoch()) + ": all of --epochs";
  } else {
    text = "stopped after step " + std::to_string(progress_.step) + " of stage '" +
           to_string(progress_.stage) + "': all of them";
  }
  return text + fmt::format("; best: {} {} (BLEU-4 {:.1f}, CIDEr-D {:.1f})",
                            first ? "epoch" : "step", progress_.best.epoch,
                            100 * progress_.best.bleu4, 100 * std::max(0.0, progress_.best.cider));
}

void Run::print_next_step() const {
  std::fprintf(stderr, "model: %s\nnext: photoscribe run PHOTOS -o archive.db --model %s\n",
               options_.output.c_str(), options_.output.c_str());
}

Status Run::finish() {
  TensorMap weights = trainer_.weights();
  if (std::filesystem::exists(best())) {
    auto read = load_tensors(best());
    if (!read) return fail(read.error());
    weights = std::move(*read);
  }
  if (progress_.stage == Stage::whole) warn_of_unchanged_layers(weights);
  if (Status s = write_model(options_.output, weights); !s) return s;
  const bool reported = !progress_.ending.empty();
  progress_.ending = ending();
  if (!reported) std::fprintf(stderr, "%s\n", progress_.ending.c_str());
  if (Status s = save(); !s) return s;
  print_next_step();
  return {};
}

/// Every layer of the encoder should have changed in weight or bias, also as the model is stored,
/// which hides too small a change.
void Run::warn_of_unchanged_layers(const TensorMap& weights) const {
  std::set<std::string> all, moved;  // layers
  for (const auto& [name, tensor] : data_.initial_encoder) {
    const torch::Tensor& now = weights.at("encoder." + name);
    const std::string layer = name.substr(0, name.rfind('.'));
    all.insert(layer);
    if (!at::equal(as_stored(now), as_stored(tensor))) moved.insert(layer);
  }
  std::string unchanged;
  for (const std::string& layer : all)
    if (!moved.contains(layer)) unchanged += " " + layer;
  if (!unchanged.empty())
    std::fprintf(stderr, "warning: did not move as far as the model stores it:%s\n",
                 unchanged.c_str());
}

Status Run::write_model(const std::string& folder, const TensorMap& weights) const {
  ModelToStore model{options_.name, options_.architecture, options_.search, {}, data_.concepts};
  std::ostringstream record;
  record << "  command: " << yaml_quoted(options_.command) << "\n  seed: " << options_.seed
         << "\n  hours: " << std::round(progress_.seconds / 36) / 100
         << "\n  dev_bleu4: " << std::round(1e4 * progress_.best.bleu4) / 1e4
         << "\n  dev_cider: " << std::round(1e4 * progress_.best.cider) / 1e4
         << "\n  dev_beam: " << options_.search.beam << "\n  curve: |\n";
  std::istringstream lines(progress_.curve);
  for (std::string line; std::getline(lines, line);) record << "    " << line << '\n';
  model.training_yaml = record.str();
  return store_model(folder, model, data_.vocabulary, weights);
}

void Run::note_progress(double number, double step_s) {
  if (std::isfinite(number)) {
    progress_.loss_sum += number;
    progress_.loss_count += 1;
  }
  pace_s_ = pace_s_ == 0 ? step_s : 0.95 * pace_s_ + 0.05 * step_s;
  if (Clock::now() < next_line_) return;
  next_line_ = Clock::now() + std::chrono::seconds(15);
  const std::int64_t all = steps_of_stage();
  std::fprintf(stderr,
               "step %lld of %lld (epoch %.2f) %s %.3f rate %.2g, %.0f ms a step, %s "
               "left\n",
               static_cast<long long>(progress_.step + 1), static_cast<long long>(all),
               static_cast<double>(progress_.step + 1) /
                   static_cast<double>(trainer_.steps_per_epoch(train_usable_.size())),
               progress_.stage == Stage::critic ? "reward" : "loss",
               progress_.loss_sum / std::max(1.0, progress_.loss_count), rate(), 1e3 * pace_s_,
               clock_text(pace_s_ * static_cast<double>(all - progress_.step - 1)).c_str());
}

}  // namespace photoscribe
