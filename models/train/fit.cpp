#include "models/train/fit.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>

#include "models/model_store.h"
#include "models/safetensors.h"
#include "models/train/augment.h"
#include "models/train/trainer.h"

namespace photoscribe {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string duration_text(double seconds) {
  char text[32];
  const auto whole = static_cast<std::int64_t>(seconds);
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  return text;
}

std::vector<std::string> paths_of(const std::string& folder,
                                  const std::vector<CaptionedPhoto>& photos) {
  std::vector<std::string> paths;
  for (const CaptionedPhoto& photo : photos) paths.push_back(folder + "/" + photo.name);
  return paths;
}

template <class Cache>
std::vector<std::int64_t> usable_of(const Cache& cache, std::size_t count) {
  std::vector<std::int64_t> usable;
  for (std::size_t i = 0; i < count; ++i)
    if (cache.usable(i)) usable.push_back(static_cast<std::int64_t>(i));
  return usable;
}

/// All that a checkpoint's continuation depends on, as text.
std::string fingerprint(const FitOptions& o, const Vocabulary& vocabulary, std::size_t usable) {
  std::ostringstream text;
  text << to_yaml(o.architecture, o.search) << vocabulary.size() << ' ' << usable << ' '
       << o.loss.dropout << ' ' << o.loss.annotation_dropout << ' ' << o.loss.label_smoothing << ' '
       << o.loss.attention_penalty << ' ' << o.epochs << ' ' << o.batch_photos << ' ' << o.rate
       << ' ' << o.rate_end << ' ' << o.warmup_steps << ' ' << o.weight_decay << ' ' << o.clip_norm
       << ' ' << o.mirror << ' ' << o.seed << ' ' << o.train << ' ' << o.dev;
  return text.str();
}

/// One training run: what fit() sets up and then drives.
class Run {
 public:
  Run(const FitOptions& options, const Vocabulary& vocabulary,
      const std::vector<CaptionedPhoto>& train, const std::vector<CaptionedPhoto>& dev,
      const FeatureCache& train_features, const FeatureCache& dev_features, Trainer& trainer)
      : options_(options),
        vocabulary_(vocabulary),
        dev_(dev),
        train_features_(train_features),
        dev_features_(dev_features),
        trainer_(trainer),
        train_usable_(usable_of(train_features, train.size())),
        dev_usable_(usable_of(dev_features, dev.size())),
        fingerprint_(fingerprint(options, vocabulary, train_usable_.size())) {}

  Status go() {
    auto restored = trainer_.restore(checkpoint(), fingerprint_);
    if (!restored) return fail(restored.error());
    if (*restored) {
      progress_ = **restored;
      std::fprintf(stderr, "going on from step %lld of stage '%s'\n",
                   static_cast<long long>(progress_.step),
                   progress_.stage == Stage::decoder ? "decoder" : "whole");
    }
    if (progress_.curve.empty())
      progress_.curve = "stage,epoch,step,rate,loss,bleu1,bleu2,bleu3,bleu4,seconds\n";
    if (progress_.stage == Stage::decoder) {
      if (Status s = train_decoder(); !s) return s;
      if (stopped_) return {};
    }
    if (options_.finetune_steps > 0) return train_whole();
    return finish();
  }

 private:
  [[nodiscard]] std::string checkpoint() const { return options_.work + "/checkpoint.safetensors"; }
  [[nodiscard]] std::string best() const { return options_.work + "/best.safetensors"; }

  Status train_decoder() {
    const std::int64_t per_epoch = trainer_.steps_per_epoch(train_usable_.size());
    const std::int64_t all = options_.epochs * per_epoch;
    while (progress_.step < all && progress_.epochs_since_best < options_.patience) {
      const auto start = Clock::now();
      const Batch batch = trainer_.batch_of(progress_.step, train_usable_);
      const double rate = rate_at(progress_.step, all);
      note_loss(
          trainer_.step_decoder(batch, train_features_.get(batch.photos, batch.mirror), rate));
      progress_.seconds += seconds_since(start);
      ++progress_.step;
      say_progress(per_epoch, all, rate, seconds_since(start));
      if (progress_.step % per_epoch == 0) {
        const SplitScore score = score_dev([this](const std::vector<std::int64_t>& some) {
          return dev_features_.get(some, std::vector<bool>(some.size(), false));
        });
        if (Status s = take_score(score, progress_.step / per_epoch, rate); !s) return s;
      } else if (progress_.step % options_.checkpoint_steps == 0) {
        if (Status s = trainer_.save(checkpoint(), progress_, fingerprint_); !s) return s;
      }
      if (options_.steps_max > 0 && progress_.step >= options_.steps_max) {
        stopped_ = true;
        return trainer_.save(checkpoint(), progress_, fingerprint_);
      }
    }
    return {};
  }

  /// The second stage starts from the best weights of the first.
  Status train_whole() {
    if (progress_.stage == Stage::decoder) {
      const auto weights = load_tensors(best());
      if (!weights) return fail(weights.error());
      trainer_.set_weights(*weights);
      trainer_.begin(Stage::whole);
      progress_.stage = Stage::whole;
      progress_.step = 0;
      progress_.best_bleu4 = -1;  // of this stage: the encoder must have moved in what is shipped
      std::fprintf(stderr, "moving encoder and decoder together\n");
    }
    const std::int64_t all = options_.finetune_steps;
    const std::int64_t every =
        options_.finetune_score_steps > 0 ? options_.finetune_score_steps : all;
    while (progress_.step < all) {
      const auto start = Clock::now();
      const Batch batch = trainer_.batch_of(progress_.step, train_usable_);
      const double share = static_cast<double>(progress_.step) / static_cast<double>(all);
      const double warm = std::min(1.0, static_cast<double>(progress_.step + 1) / 10);
      const double rate = options_.finetune_rate * warm * (1 - 0.9 * share);
      auto images = augmented_photos(options_, trainer_photos_, batch, progress_.step);
      note_loss(trainer_.step_whole(batch, images, rate));
      progress_.seconds += seconds_since(start);
      ++progress_.step;
      say_progress(all, all, rate, seconds_since(start));
      if (progress_.step % every == 0 || progress_.step == all) {
        if (Status s = take_score(score_whole(), progress_.step, rate); !s) return s;
      } else if (progress_.step % 20 == 0) {
        if (Status s = trainer_.save(checkpoint(), progress_, fingerprint_); !s) return s;
      }
    }
    return finish();
  }

  SplitScore score_whole() {
    const Encoder encoder = trainer_.encoder();
    return score_dev([&, this](const std::vector<std::int64_t>& some) {
      const torch::NoGradGuard no_grad;
      std::vector<torch::Tensor> images;
      for (const std::int64_t i : some) {
        const auto photo =
            read_photo(options_.photos + "/" + dev_.at(static_cast<std::size_t>(i)).name,
                       options_.architecture.input_side_px);
        images.push_back(normalise(*photo, options_.architecture));
      }
      const auto batch = at::stack(images).contiguous(at::MemoryFormat::ChannelsLast);
      return encoder.forward(batch).flatten(2).transpose(1, 2).contiguous();
    });
  }

  template <class Features>
  SplitScore score_dev(const Features& features) {
    return score_split(trainer_.search(), options_.search, vocabulary_, dev_, dev_usable_,
                       features);
  }

  /// Writes the curve's line, keeps the weights when they are the best so far, checkpoints.
  Status take_score(const SplitScore& score, std::int64_t epoch, double rate) {
    const bool whole = progress_.stage == Stage::whole;
    std::array<char, 200> line{};
    std::snprintf(line.data(), line.size(), "%s,%lld,%lld,%.3g,%.4f,%.4f,%.4f,%.4f,%.4f,%.0f\n",
                  whole ? "whole" : "decoder", static_cast<long long>(epoch),
                  static_cast<long long>(progress_.step), rate, loss_sum_ / loss_weight_,
                  score.bleu[0], score.bleu[1], score.bleu[2], score.bleu[3], progress_.seconds);
    progress_.curve += line.data();
    std::ofstream(options_.work + "/curve.csv", std::ios::trunc) << progress_.curve;
    std::fprintf(stderr,
                 "%s %lld: loss %.3f, dev BLEU-1..4 %.1f %.1f %.1f %.1f over %lld photos, beam %d; "
                 "%s\n",
                 whole ? "end-to-end step" : "epoch", static_cast<long long>(epoch),
                 loss_sum_ / loss_weight_, 100 * score.bleu[0], 100 * score.bleu[1],
                 100 * score.bleu[2], 100 * score.bleu[3], static_cast<long long>(score.photos),
                 options_.search.beam, duration_text(progress_.seconds).c_str());
    for (std::size_t i = 0; i < std::min<std::size_t>(3, score.captions.size()); ++i) {
      std::fprintf(stderr, "  %s: %s\n",
                   dev_[static_cast<std::size_t>(dev_usable_[i])].name.c_str(),
                   score.captions[i].c_str());
    }
    ++progress_.epochs_since_best;
    if (score.bleu[3] > progress_.best_bleu4) {
      progress_.best_bleu4 = score.bleu[3];
      progress_.epochs_since_best = 0;
      if (Status s = save_tensors(best(), trainer_.weights()); !s) return s;
      if (Status s = write_model(options_.work + "/snapshot", trainer_.weights()); !s) return s;
    }
    loss_sum_ = loss_weight_ = 0;
    return trainer_.save(checkpoint(), progress_, fingerprint_);
  }

  Status finish() {
    const auto weights = load_tensors(best());
    if (!weights) return fail(weights.error());
    if (progress_.stage == Stage::whole) {
      // What is shipped must not hold a layer of the encoder as it came (and half precision, in
      // which it is written, would hide a change that is too small).
      const auto came = load_tensors(options_.encoder);
      if (!came) return fail(came.error());
      std::string still;
      for (const auto& [name, tensor] : *came) {
        const torch::Tensor& now = weights->at("encoder." + name);
        if (at::equal(now.to(torch::kFloat16), tensor.to(torch::kFloat16))) still += " " + name;
      }
      if (!still.empty())
        std::fprintf(stderr, "warning: did not move in half precision:%s\n", still.c_str());
    }
    return write_model(options_.output, *weights);
  }

  Status write_model(const std::string& folder, const TensorMap& weights) {
    ModelToStore model{options_.name, options_.architecture, options_.search, {}};
    std::ostringstream record;
    record << "  command: " << yaml_quoted(options_.command) << "\n  seed: " << options_.seed
           << "\n  hours: " << std::round(progress_.seconds / 36) / 100
           << "\n  dev_bleu4: " << std::round(1e4 * progress_.best_bleu4) / 1e4
           << "\n  dev_beam: " << options_.search.beam << "\n  curve: |\n";
    std::istringstream lines(progress_.curve);
    for (std::string line; std::getline(lines, line);) record << "    " << line << '\n';
    model.training_yaml = record.str();
    return store_model(folder, model, vocabulary_, weights);
  }

  [[nodiscard]] double rate_at(std::int64_t step, std::int64_t all) const {
    const auto at = static_cast<double>(step), warm = static_cast<double>(options_.warmup_steps);
    if (at < warm) return options_.rate * (at + 1) / warm;
    const double share = (at - warm) / std::max(1.0, static_cast<double>(all) - warm);
    const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * share));
    return options_.rate * (options_.rate_end + (1 - options_.rate_end) * cosine);
  }

  void note_loss(double loss) {
    if (!std::isfinite(loss)) return;
    loss_sum_ += loss;
    loss_weight_ += 1;
  }

  void say_progress(std::int64_t per_epoch, std::int64_t all, double rate, double step_s) {
    pace_s_ = pace_s_ == 0 ? step_s : 0.95 * pace_s_ + 0.05 * step_s;
    if (Clock::now() < next_line_) return;
    next_line_ = Clock::now() + std::chrono::seconds(15);
    std::fprintf(stderr,
                 "step %lld of %lld (epoch %.2f) loss %.3f rate %.2g, %.0f ms a step, %s left\n",
                 static_cast<long long>(progress_.step), static_cast<long long>(all),
                 static_cast<double>(progress_.step) / static_cast<double>(per_epoch),
                 loss_sum_ / loss_weight_, rate, 1e3 * pace_s_,
                 duration_text(pace_s_ * static_cast<double>(all - progress_.step)).c_str());
  }

  const FitOptions& options_;
  const Vocabulary& vocabulary_;
  const std::vector<CaptionedPhoto>& dev_;
  const FeatureCache& train_features_;
  const FeatureCache& dev_features_;
  Trainer& trainer_;
  std::vector<std::int64_t> train_usable_, dev_usable_;
  std::string fingerprint_;
  std::vector<std::string> trainer_photos_;
  Progress progress_;
  bool stopped_ = false;
  double loss_sum_ = 0, loss_weight_ = 0, pace_s_ = 0;
  Clock::time_point next_line_ = Clock::now();

 public:
  void set_photos(std::vector<std::string> paths) { trainer_photos_ = std::move(paths); }
};

std::function<void(std::int64_t, std::int64_t)> say_cached(const char* what) {
  return [what, start = Clock::now(), next = Clock::now()](std::int64_t done,
                                                           std::int64_t all) mutable {
    if (Clock::now() < next && done < all) return;
    next = Clock::now() + std::chrono::seconds(10);
    const double rate = static_cast<double>(done) / seconds_since(start);
    std::fprintf(stderr, "features of %s photos: %lld of %lld, %.0f photos/s\n", what,
                 static_cast<long long>(done), static_cast<long long>(all), rate);
  };
}

/// Fills in what follows from the encoder's file.
Expected<FitOptions> complete(FitOptions o) {
  if (o.features.empty()) o.features = o.work;
  if (o.architecture.encoder.empty()) {
    const auto file = SafetensorsFile::open(o.encoder);
    if (!file) return fail(file.error());
    const auto said = file->metadata().find("architecture");
    o.architecture.encoder = said == file->metadata().end() ? "mobilenet_v2" : said->second;
  }
  return guard(Errc::invalid_config, o.encoder, [&] {
    if (o.architecture.input_side_px % 32 != 0) throw std::runtime_error("--side is no multiple of 32");
    o.architecture.feature_channels =
        static_cast<int>(feature_channels(encoder_layers(o.architecture.encoder)));
    return o;
  });
}

}  // namespace

Status fit(const FitOptions& wanted) {
  auto completed = complete(wanted);
  if (!completed) return fail(completed.error());
  const FitOptions& options = *completed;
  for (const std::string& folder : {options.work, options.features}) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  }
  const auto train = read_split(options.captions, options.train);
  if (!train) return fail(train.error());
  const auto dev = read_split(options.captions, options.dev);
  if (!dev) return fail(dev.error());
  const auto vocabulary = make_vocabulary(*train, options.words_count_min);
  if (!vocabulary) return fail(vocabulary.error());
  const auto encoder_tensors = load_tensors(options.encoder);
  if (!encoder_tensors) return fail(encoder_tensors.error());
  std::fprintf(stderr, "%zu photos to train on, %zu to judge by, %lld words\n", train->size(),
               dev->size(), static_cast<long long>(vocabulary->size()));

  return guard(Errc::model_failure, "fit",
               [&] {
                 const Encoder encoder(options.architecture.encoder, *encoder_tensors);
                 const auto train_paths = paths_of(options.photos, *train);
                 auto train_features = FeatureCache::open_or_make(
                     options.features + "/features.train", train_paths, encoder, options.encoder,
                     options.architecture, options.mirror, say_cached("train"));
                 if (!train_features) return Status(fail(train_features.error()));
                 auto dev_features = FeatureCache::open_or_make(
                     options.features + "/features.dev", paths_of(options.photos, *dev), encoder,
                     options.encoder, options.architecture, false, say_cached("dev"));
                 if (!dev_features) return Status(fail(dev_features.error()));
                 at::manual_seed(options.seed);
                 Trainer trainer(options, *vocabulary, *train, encoder.parameters(),
                                 random_decoder(options.architecture, vocabulary->size()));
                 Run run(options, *vocabulary, *train, *dev, *train_features, *dev_features,
                         trainer);
                 run.set_photos(train_paths);
                 return run.go();
               })
      .and_then([](Status status) { return status; });
}

}  // namespace photoscribe
