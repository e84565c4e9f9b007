#include "models/train/encoder_fit.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numbers>

#include "models/encoder/encoder.h"
#include "models/format/model_store.h"
#include "models/format/safetensors.h"
#include "models/train/features.h"
#include "models/train/loss/adam.h"
#include "models/train/loss/concept_head.h"
#include "models/train/loss/mixed.h"
#include "models/train/progress/average_precision.h"
#include "models/train/progress/progress_line.h"
#include "models/train/progress/stop.h"
#include "models/train/settings_text.h"

namespace photoscribe {
namespace {

using torch::Tensor;

constexpr double kInputDropout = 0.3;  // as in concept_head.cpp
/// What the model itself said, where nothing else is known, counts this often as much as a thing
/// that few captions might have named.
constexpr double kOwnShare = 2;
constexpr std::int64_t kWarmupSteps = 50;
constexpr std::chrono::minutes kCheckpointEvery{10};
constexpr std::array kHead{"decoder.concept.head.weight", "decoder.concept.head.bias"};

/// Cross entropy of log-odds with targets, each times its weight, per photo.
Tensor concept_loss(const Tensor& log_odds, const Tensor& target, const Tensor& weight) {
  const Tensor each =
      at::binary_cross_entropy_with_logits(log_odds, target, {}, {}, at::Reduction::None);
  return (each * weight).sum() / log_odds.size(0);
}

/// Those that decode and are not left out of epochs by their list.
std::vector<std::int64_t> usable_of(const FeatureCache& cache,
                                    const std::vector<CaptionedPhoto>& photos) {
  std::vector<std::int64_t> usable;
  for (std::size_t i = 0; i < photos.size(); ++i)
    if (cache.usable(i) && photos[i].times > 0) usable.push_back(static_cast<std::int64_t>(i));
  return usable;
}

struct Split {
  const FeatureCache& features;
  ConceptTargets targets;
  std::vector<std::int64_t> usable;
};

struct EncoderProgress {
  std::int64_t step = 0, best_step = 0;
  double best = -1;    // mean average precision; below 0: not scored yet
  double seconds = 0;  // of training, over all restarts
  std::string curve;   // lines of the record: step, loss, score
};

class EncoderRun {
 public:
  EncoderRun(const EncoderFitOptions& options, const StoredModel& model, Split train, Split dev,
             std::string settings)
      : options_(options),
        model_(model),
        train_(std::move(train)),
        dev_(std::move(dev)),
        settings_(std::move(settings)),
        tensors_(model.tensors) {
    TensorMap moving = Encoder(model.folder.architecture.encoder, model.tensors, "encoder.")
                           .after(options.cache_block)
                           .parameters("encoder.");
    for (const char* name : kHead) moving.emplace(name, tensors_.at(name));
    for (auto& [name, tensor] : moving) {
      tensor = tensor.clone().contiguous();
      average_.emplace(name, tensor.clone());
      tensors_[name] = tensor.set_requires_grad(true);
    }
    AdamSettings adam;
    adam.weight_decay = options.weight_decay;
    adam.slow = "encoder.";
    adam.slow_share = options.encoder_share;
    adam_ = std::make_unique<Adam>(std::move(moving), adam);
    const auto size = static_cast<std::int64_t>(train_.usable.size());
    per_epoch_ = (size + options.batch_photos - 1) / options.batch_photos;
  }

  Status go() {
    if (Status s = restore(); !s) return s;
    const std::int64_t all = options_.epochs * per_epoch_;
    if (progress_.step == all && read_model_folder(options_.output)) {
      std::fprintf(stderr, "already finished: %s is the model\n", options_.output.c_str());
      return {};
    }
    const std::int64_t every = options_.score_steps > 0 ? options_.score_steps : per_epoch_;
    ProgressLine line("encoder", "steps");
    if (progress_.best < 0 && take_score() == 0)
      return fail(Errc::invalid_config,
                  fmt::format("captions of at least {} photos for evaluation must name the same "
                              "concept, and none do: name more photos with --dev",
                              kPositivesMin));
    while (progress_.step < all) {
      line.update(progress_.step, all);
      const auto start = Clock::now();
      step(rate(all));
      progress_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
      ++progress_.step;
      if (progress_.step % every == 0 || progress_.step == all) take_score();
      const bool due = progress_.step % options_.checkpoint_steps == 0 ||
                       Clock::now() - saved_at_ >= kCheckpointEvery || stop_requested();
      if (due || progress_.step == all)
        if (Status s = save(); !s) return s;
      if (stop_requested() && progress_.step < all)
        return fail(Errc::cancelled,
                    fmt::format("stopped at step {} of {}, kept in {}; the same command resumes "
                                "there: {}",
                                progress_.step, all, checkpoint(), options_.command));
    }
    return finish();
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::string checkpoint() const { return options_.work + "/encoder.safetensors"; }

  [[nodiscard]] double rate(std::int64_t all) const {
    const auto at = static_cast<double>(progress_.step);
    const double warm = std::min(1.0, (at + 1) / static_cast<double>(kWarmupSteps));
    return options_.rate * warm * 0.5 *
           (1 + std::cos(std::numbers::pi * at / static_cast<double>(all)));
  }

  /// The features (n,L,C) of cached ones, by the encoder's tail in `tensors`.
  [[nodiscard]] Tensor finish_features(const TensorMap& tensors, const Tensor& cached) const {
    return finish_encoding(Encoder(model_.folder.architecture.encoder, tensors, "encoder."),
                           options_.cache_block, cached);
  }

  void step(double rate) {
    const std::int64_t epoch = progress_.step / per_epoch_, at = progress_.step % per_epoch_;
    const auto size = static_cast<std::int64_t>(train_.usable.size());
    // Everything random depends on seed and step alone: a restart needs no generator's state.
    at::manual_seed(options_.seed * 1'000'003 + static_cast<std::uint64_t>(epoch));
    const Tensor order = at::randperm(size);
    const Tensor view_of = at::randint(options_.views, {size});
    std::vector<std::int64_t> photos, views;
    for (std::int64_t i = at * options_.batch_photos;
         i < std::min(size, (at + 1) * options_.batch_photos); ++i) {
      photos.push_back(train_.usable[static_cast<std::size_t>(order[i].item<std::int64_t>())]);
      views.push_back(view_of[i].item<std::int64_t>());
    }
    at::manual_seed(options_.seed * 2'000'003 + static_cast<std::uint64_t>(progress_.step));
    const Tensor cached = train_.features.get(photos, views), which = at::tensor(photos);
    const ConceptTargets& targets = train_.targets;
    Tensor target = targets.probability.index_select(0, which),
           weight = targets.weight.index_select(0, which), before;
    {
      const torch::NoGradGuard no_grad;
      before = finish_features(model_.tensors, cached);
      const Tensor own = at::sigmoid(concept_log_odds(model_.tensors, before.mean(1)));
      const Tensor unknown = targets.unknown.index_select(0, which);
      target = at::where(unknown, own, target);
      weight = at::where(unknown, weight * kOwnShare, weight);
    }
    const Tensor features = finish_features(tensors_, cached);
    const Tensor loss =
        concept_loss(concept_log_odds(tensors_, features.mean(1), kInputDropout), target, weight) +
        options_.keep * (features - before).square().mean() / before.var();
    loss.backward();
    if (!std::isfinite(adam_->step(rate)))
      std::fprintf(stderr, "warning: a step without a finite gradient\n");
    loss_sum_ += loss.item<double>();
    ++loss_count_;
    const torch::NoGradGuard no_grad;
    const double share =
        std::max(1 - options_.average, 1 / (10.0 + static_cast<double>(adam_->steps())));
    for (auto& [name, tensor] : average_) tensor.lerp_(tensors_.at(name), share);
  }

  /// The model with the average in place of what moves.
  [[nodiscard]] TensorMap weights() const {
    TensorMap all = model_.tensors;
    for (const auto& [name, tensor] : average_) all[name] = tensor;
    return all;
  }

  [[nodiscard]] MeanAveragePrecision score_dev() const {
    constexpr std::size_t kBatch = 64;
    const torch::NoGradGuard no_grad;
    const TensorMap tensors = weights();
    std::vector<Tensor> scores;
    for (std::size_t first = 0; first < dev_.usable.size(); first += kBatch) {
      const std::vector<std::int64_t> some(
          dev_.usable.begin() + static_cast<std::ptrdiff_t>(first),
          dev_.usable.begin() +
              static_cast<std::ptrdiff_t>(std::min(dev_.usable.size(), first + kBatch)));
      scores.push_back(
          concept_log_odds(tensors, finish_features(tensors, dev_.features.get(some, {})).mean(1)));
    }
    return mean_average_precision(
        at::cat(scores), dev_.targets.probability.index_select(0, at::tensor(dev_.usable)).gt(0));
  }

  /// Returns how many concepts were scored.
  std::int64_t take_score() {
    const MeanAveragePrecision score = score_dev();
    std::fprintf(
        stderr, "step %lld: loss %.3f, mean average precision %.4f over %lld concepts; %s\n",
        static_cast<long long>(progress_.step), loss_sum_ / std::max(1.0, loss_count_), score.mean,
        static_cast<long long>(score.concepts), clock_text(progress_.seconds).c_str());
    progress_.curve += fmt::format("    {},{:.4f},{:.4f}\n", progress_.step,
                                   loss_sum_ / std::max(1.0, loss_count_), score.mean);
    loss_sum_ = loss_count_ = 0;
    if (score.mean <= progress_.best) return score.concepts;
    progress_.best = score.mean;
    progress_.best_step = progress_.step;
    best_.clear();
    for (const auto& [name, tensor] : average_) best_.emplace(name, tensor.clone());
    return score.concepts;
  }

  Status save() {
    saved_at_ = Clock::now();
    TensorMap all = adam_->state();
    for (const auto& [name, tensor] : average_) {
      all.emplace("now." + name, tensors_.at(name).detach());
      all.emplace("average." + name, tensor);
      all.emplace("best." + name, best_.at(name));
    }
    const auto text = [](const auto& value) { return fmt::format("{}", value); };
    return save_tensors(checkpoint(), all,
                        {{"settings", settings_},
                         {"step", text(progress_.step)},
                         {"best", text(progress_.best)},
                         {"best_step", text(progress_.best_step)},
                         {"seconds", text(progress_.seconds)},
                         {"curve", progress_.curve}});
  }

  Status restore() {
    if (!std::filesystem::exists(checkpoint())) return {};
    std::map<std::string, std::string> metadata;
    {
      const auto file = SafetensorsFile::open(checkpoint());
      if (!file) return fail(file.error());
      metadata = file->metadata();
    }
    if (metadata["settings"] != settings_)
      return fail(Errc::invalid_config, checkpoint() + ": belongs to a run with other settings (" +
                                            difference(metadata["settings"], settings_) +
                                            "); use another --work, or delete it to start again");
    const auto tensors = load_tensors(checkpoint());
    if (!tensors) return fail(tensors.error());
    return guard(Errc::model_failure, checkpoint(), [&] {
      const torch::NoGradGuard no_grad;
      for (auto& [name, tensor] : average_) {
        tensors_.at(name).copy_(take(*tensors, "now." + name, tensor.sizes()));
        best_[name] = take(*tensors, "best." + name, tensor.sizes());
        tensor.copy_(take(*tensors, "average." + name, tensor.sizes()));
      }
      adam_->restore(*tensors);
      progress_ = {std::stoll(metadata.at("step")), std::stoll(metadata.at("best_step")),
                   std::stod(metadata.at("best")), std::stod(metadata.at("seconds")),
                   metadata.at("curve")};
      std::fprintf(stderr, "resuming at step %lld\n", static_cast<long long>(progress_.step));
    });
  }

  Status finish() {
    if (progress_.best_step == 0)
      return fail(Errc::model_failure,
                  fmt::format("no step recognised more than the model as it was (mean average "
                              "precision {:.4f}); {} was not written. Try a lower --rate, a later "
                              "--cache-block or more photos",
                              progress_.best, options_.output));
    TensorMap all = model_.tensors;
    for (const auto& [name, tensor] : best_) all[name] = tensor;
    const ModelFolder& folder = model_.folder;
    ModelToStore model{folder.name, folder.architecture, folder.search, {}, model_.concepts};
    model.training_yaml = fmt::format(
        "  command: {}\n  seed: {}\n  hours: {:.2f}\n  dev_mean_average_precision: {:.4f}\n"
        "  curve: |\n    step,loss,mean_average_precision\n{}",
        yaml_quoted(options_.command), options_.seed, progress_.seconds / 3600, progress_.best,
        progress_.curve);
    if (Status s = store_model(options_.output, model, model_.vocabulary, all); !s) return s;
    std::fprintf(stderr,
                 "best: step %lld, mean average precision %.4f\nmodel: %s\n"
                 "next: its decoder has not seen these features yet; photoscribe-train fit --start "
                 "%s --no-teacher … trains it on them; it has no confidence yet\n",
                 static_cast<long long>(progress_.best_step), progress_.best,
                 options_.output.c_str(), options_.output.c_str());
    return {};
  }

  const EncoderFitOptions& options_;
  const StoredModel& model_;
  Split train_, dev_;
  std::string settings_;
  TensorMap tensors_, average_, best_;  // all; of what moves
  std::unique_ptr<Adam> adam_;
  std::int64_t per_epoch_ = 1;
  EncoderProgress progress_;
  double loss_sum_ = 0, loss_count_ = 0;
  Clock::time_point saved_at_ = Clock::now();
};

}  // namespace

Status fit_encoder(const EncoderFitOptions& wanted) {
  EncoderFitOptions o = wanted;
  if (o.features.empty()) o.features = o.work;
  use_bfloat16(o.bfloat16);
  const auto model = load_model(o.model);
  if (!model) return fail(model.error());
  if (!model->members.empty())
    return fail(Errc::invalid_config, o.model + ": is an ensemble; take one of its members");
  if (model->concepts.empty())
    return fail(
        Errc::invalid_config,
        o.model + ": has no classifier of concepts; photoscribe-train fit --concepts makes one");
  for (const std::string& folder : {o.work, o.features}) {
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(Errc::environment, folder + ": " + failed.message());
  }
  const auto head = guard(Errc::invalid_config, "--cache-block", [&] {
    return Encoder(model->folder.architecture.encoder, model->tensors, "encoder.")
        .until(o.cache_block);
  });
  if (!head) return fail(head.error());
  const auto splits = read_splits(o.sources, o.splits);
  if (!splits) return fail(splits.error());
  if (!splits->held_out.empty()) std::fprintf(stderr, "%s\n", splits->held_out.c_str());
  for (const auto& [name, photos] :
       {std::pair{"/train.txt", &splits->train}, std::pair{"/dev.txt", &splits->dev}})
    if (Status s = write_list(o.work + name, *photos); !s) return s;
  ConceptLabels labels;
  if (!o.concept_labels.empty()) {
    auto read = read_concept_labels(o.concept_labels);
    if (!read) return fail(read.error());
    labels = std::move(*read);
  }
  const auto done = guard(Errc::model_failure, "fit-encoder", [&]() -> Status {
    CachedFeatures cached{*head, model->folder.architecture, o.views, o.mirror,
                          o.bfloat16 && has_bfloat16() ? Precision::bfloat16 : Precision::float32};
    const auto resumed = [&o](Error error) {
      if (error.code == Errc::cancelled)
        error.message += "; the same command resumes there: " + o.command;
      return fail(std::move(error));
    };
    const auto size = [](const auto& photos) { return static_cast<std::int64_t>(photos.size()); };
    if (Status s = report_space(o.features, cached,
                                {{"/features.train", size(splits->train), o.views},
                                 {"/features.dev", size(splits->dev), 1}});
        !s)
      return s;
    const auto train = FeatureCache::open_or_make(
        o.features + "/features.train", paths_of(splits->train), cached, feature_progress("train"));
    if (!train) return resumed(train.error());
    cached.views = 1;
    const auto dev = FeatureCache::open_or_make(o.features + "/features.dev", paths_of(splits->dev),
                                                cached, feature_progress("dev"));
    if (!dev) return resumed(dev.error());
    Split training{*train, concept_targets(splits->train, labels, model->concepts),
                   usable_of(*train, splits->train)};
    Split scored{*dev, concept_targets(splits->dev, {}, model->concepts),
                 usable_of(*dev, splits->dev)};
    if (training.usable.empty() || scored.usable.empty())
      return fail(Errc::environment, "no photo to train on, or none for evaluation, decodes");
    std::fprintf(stderr, "%zu photos to train on, %zu for evaluation, %zu concepts\n",
                 training.usable.size(), scored.usable.size(), model->concepts.size());
    std::string settings = settings_text(o, *model, splits->train, splits->dev, training.targets,
                                         training.usable.size());
    return EncoderRun(o, *model, std::move(training), std::move(scored), std::move(settings)).go();
  });
  return done.and_then([](Status status) { return status; });
}

}  // namespace photoscribe
