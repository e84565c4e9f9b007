#include "models/train/run.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numbers>
#include <set>
#include <sstream>

#include "models/fast_encoder.h"
#include "models/model_store.h"
#include "models/train/augment.h"

namespace photoscribe {
namespace {

constexpr std::chrono::minutes kCheckpointEvery{10};

std::string duration_text(double seconds) {
  char text[32];
  const auto whole = static_cast<std::int64_t>(seconds);
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  return text;
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

/// All that the continuation of a checkpoint of the first stage depends on, as text. Later stages
/// may be continued with other settings, by whoever wants that.
std::string fingerprint(const FitOptions& o, const Vocabulary& vocabulary, std::size_t usable) {
  std::ostringstream text;
  text << to_yaml(o.architecture, o.search) << vocabulary.size() << ' ' << usable << ' '
       << o.loss.dropout << ' ' << o.loss.annotation_dropout << ' ' << o.loss.label_smoothing << ' '
       << o.loss.attention_penalty << ' ' << o.epochs << ' ' << o.batch_photos << ' ' << o.rate
       << ' ' << o.rate_end << ' ' << o.warmup_steps << ' ' << o.weight_decay << ' ' << o.clip_norm
       << ' ' << o.mirror << ' ' << o.seed << ' ' << o.train << ' ' << o.dev << ' ' << o.average
       << ' ' << o.start << ' ' << o.cache_block << ' ' << o.encoder_share << ' ' << o.views;
  if (!o.text.empty()) text << ' ' << o.text << ' ' << o.text_rows << ' ' << o.text_share;
  if (!o.teacher.empty()) text << ' ' << o.teacher << ' ' << o.loss.teacher_share;
  return text.str();
}

}  // namespace

Run::Run(const FitOptions& options, RunData data, Trainer& trainer)
    : options_(options),
      data_(std::move(data)),
      trainer_(trainer),
      train_usable_(usable_of(data_.train_features, data_.train)),
      dev_usable_(usable_of(data_.dev_features, data_.dev)),
      fingerprint_(fingerprint(options, data_.vocabulary, train_usable_.size())) {}

Status Run::go() {
  if (Status s = restore(); !s) return s;
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
  auto restored = trainer_.restore(checkpoint(), fingerprint_);
  if (!restored) return fail(restored.error());
  if (*restored) {
    progress_ = **restored;
    std::fprintf(stderr, "going on from step %lld of stage '%s'\n",
                 static_cast<long long>(progress_.step), to_string(progress_.stage));
  }
  if (progress_.curve.empty())
    progress_.curve = "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds\n";
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
  progress_.stage = stage;
  progress_.step = 0;
  progress_.epochs_since_best = 0;
  progress_.best_score = -1;  // of this stage: in what is shipped, the encoder must have moved
  pace_s_ = 0;
  std::fprintf(stderr, "%s\n",
               stage == Stage::critic ? "training on rewards of the decoder's own captions"
                                      : "moving encoder and decoder together");
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
  const auto warm = static_cast<double>(options_.warmup_steps);
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

Status Run::train_stage() {
  const std::int64_t all = steps_of_stage(), every = steps_between_scores();
  const bool first = progress_.stage == Stage::decoder;
  while (progress_.step < all && !(first && progress_.epochs_since_best >= options_.patience)) {
    const auto start = Clock::now();
    const double number = step();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    progress_.seconds += seconds;
    note_progress(number, seconds);
    ++progress_.step;
    const bool stop = first && options_.steps_max > 0 && progress_.step >= options_.steps_max;
    if (progress_.step % every == 0 || progress_.step == all) {
      if (Status s = take_score(score_dev()); !s) return s;
    } else if (stop || progress_.step % options_.checkpoint_steps == 0 ||
               Clock::now() - saved_at_ >= kCheckpointEvery) {
      if (Status s = save(); !s) return s;
    }
    if (stop) {
      stopped_ = true;
      return {};
    }
  }
  return {};
}

Status Run::save() {
  saved_at_ = Clock::now();
  return trainer_.save(checkpoint(), progress_, fingerprint_);
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
        const auto photo = read_photo(
            options_.photos + "/" + data_.dev.at(static_cast<std::size_t>(i)).name, side);
        images.push_back(normalise(*photo, options_.architecture).permute({1, 2, 0}));
      }
      return encoder->forward(at::stack(images).contiguous());
    };
  }
  return score_split(trainer_.search(), options_.search, data_.vocabulary, data_.dev, dev_usable_,
                     features);
}

Status Run::take_score(const SplitScore& score) {
  const std::int64_t epoch =
      progress_.stage == Stage::decoder ? progress_.step / steps_between_scores() : progress_.step;
  std::array<char, 200> line{};
  std::snprintf(line.data(), line.size(), "%s,%lld,%lld,%.3g,%.4f,%.4f,%.4f,%.4f,%.4f,%.0f\n",
                to_string(progress_.stage), static_cast<long long>(epoch),
                static_cast<long long>(progress_.step), rate(), sum_ / count_, score.bleu[0],
                score.bleu[1], score.bleu[2], score.bleu[3], progress_.seconds);
  progress_.curve += line.data();
  std::ofstream(options_.work + "/curve.csv", std::ios::trunc) << progress_.curve;
  std::fprintf(stderr,
               "%s %lld: %.3f, dev BLEU-1..4 %.1f %.1f %.1f %.1f over %lld "
               "photos, beam %d; %s\n",
               progress_.stage == Stage::decoder ? "epoch" : "step", static_cast<long long>(epoch),
               sum_ / count_, 100 * score.bleu[0], 100 * score.bleu[1], 100 * score.bleu[2],
               100 * score.bleu[3], static_cast<long long>(score.photos), options_.search.beam,
               duration_text(progress_.seconds).c_str());
  for (std::size_t i = 0; i < std::min<std::size_t>(3, score.captions.size()); ++i) {
    std::fprintf(stderr, "  %s: %s\n",
                 data_.dev[static_cast<std::size_t>(dev_usable_[i])].name.c_str(),
                 score.captions[i].c_str());
  }
  ++progress_.epochs_since_best;
  if (score.bleu[3] > progress_.best_score) {
    progress_.best_score = score.bleu[3];
    progress_.epochs_since_best = 0;
    const TensorMap weights = trainer_.weights();
    if (Status s = save_tensors(best(), weights); !s) return s;
    if (Status s = write_model(options_.work + "/snapshot", weights); !s) return s;
  }
  sum_ = count_ = 0;
  return save();
}

Status Run::finish() {
  TensorMap weights = trainer_.weights();
  if (std::filesystem::exists(best())) {
    auto read = load_tensors(best());
    if (!read) return fail(read.error());
    weights = std::move(*read);
  }
  if (progress_.stage == Stage::whole) {
    if (Status s = warn_of_still_layers(weights); !s) return s;
  }
  return write_model(options_.output, weights);
}

/// What is shipped must not hold a layer of the encoder as it came (and half precision, in which it
/// is written, would hide a change that is too small): neither its weight nor its bias moved.
Status Run::warn_of_still_layers(const TensorMap& weights) const {
  const auto came = load_tensors(options_.encoder);
  if (!came) return fail(came.error());
  std::set<std::string> all, moved;  // layers
  for (const auto& [name, tensor] : *came) {
    const torch::Tensor& now = weights.at("encoder." + name);
    const std::string layer = name.substr(0, name.rfind('.'));
    all.insert(layer);
    if (!at::equal(now.to(torch::kFloat16), tensor.to(torch::kFloat16))) moved.insert(layer);
  }
  std::string still;
  for (const std::string& layer : all)
    if (!moved.contains(layer)) still += " " + layer;
  if (!still.empty())
    std::fprintf(stderr, "warning: did not move in half precision:%s\n", still.c_str());
  return {};
}

Status Run::write_model(const std::string& folder, const TensorMap& weights) const {
  ModelToStore model{options_.name, options_.architecture, options_.search, {}, data_.concepts};
  std::ostringstream record;
  record << "  command: " << yaml_quoted(options_.command) << "\n  seed: " << options_.seed
         << "\n  hours: " << std::round(progress_.seconds / 36) / 100
         << "\n  dev_bleu4: " << std::round(1e4 * progress_.best_score) / 1e4
         << "\n  dev_beam: " << options_.search.beam << "\n  curve: |\n";
  std::istringstream lines(progress_.curve);
  for (std::string line; std::getline(lines, line);) record << "    " << line << '\n';
  model.training_yaml = record.str();
  return store_model(folder, model, data_.vocabulary, weights);
}

void Run::note_progress(double number, double step_s) {
  if (std::isfinite(number)) {
    sum_ += number;
    count_ += 1;
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
               progress_.stage == Stage::critic ? "reward" : "loss", sum_ / count_, rate(),
               1e3 * pace_s_,
               duration_text(pace_s_ * static_cast<double>(all - progress_.step - 1)).c_str());
}

}  // namespace photoscribe
