// trainer: the state of a training run and what one step does to it. Private to models/train.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder/encoder.h"
#include "models/train/features.h"
#include "models/train/fit.h"
#include "models/train/loss/adam.h"
#include "models/train/loss/reward.h"
#include "models/train/loss/text_batches.h"
#include "models/train/progress/evaluate.h"
#include "models/train/progress/progress.h"
#include "models/train/teacher.h"

namespace photoscribe {

/// What a trainer learns from besides photos and captions. Borrowed; each may be absent.
struct Guides {
  const Teacher* teacher = nullptr;   // in step_decoder()
  const TextBatches* text = nullptr;  // in step_decoder()
  torch::Tensor concepts;             // (P,M) what is detected in each photo of the train split
  TensorMap held;  // of the decoder: the values to which each step resets its parameters; rows of
                   // words after the ends of these tables are free. Empty: nothing is held
};

/// The photos of an epoch in the order in which they are shown, and a draw for each.
struct EpochOrder {
  Stage stage = Stage::decoder;
  std::int64_t epoch = -1;
  std::vector<std::int64_t> photos;
  std::vector<std::uint64_t> draws;
};

class Trainer {
 public:
  /// Takes its own copies of the parameters.
  Trainer(const FitOptions& options, const Vocabulary& vocabulary,
          const std::vector<CaptionedPhoto>& train, const TensorMap& encoder,
          const TensorMap& decoder, Guides guides = {});

  /// One update on cached features (P,L,C) at this rate; returns the loss per token.
  double step_decoder(const Batch& batch, const torch::Tensor& cached, double rate);
  /// One self-critical update on cached features: captions are drawn for the batch's photos, each
  /// weighted by its reward less the mean reward of the photo's other captions. Returns the mean
  /// reward.
  double step_critic(const Batch& batch, const torch::Tensor& cached, double rate);
  /// One update of everything on the photos' pixels (P,3,S,S): self-critical when there was a
  /// self-critical stage before, or the options say so, and the reward returned; else cross
  /// entropy.
  double step_whole(const Batch& batch, const torch::Tensor& images, double rate);

  /// The batch of a step: a function of seed, stage and step alone.
  [[nodiscard]] Batch batch_of(std::int64_t step, const std::vector<std::int64_t>& usable) const;
  [[nodiscard]] std::int64_t steps_per_epoch(std::size_t usable) const;

  /// Starts a stage: selects its parameters and resets the optimiser.
  void begin(Stage stage);
  [[nodiscard]] Stage stage() const noexcept { return stage_; }

  /// Copies of what is worth keeping, as in weights.safetensors: the moving average of the
  /// parameters, or the parameters where there is none.
  [[nodiscard]] TensorMap weights() const;
  /// A search with weights().
  [[nodiscard]] CaptionSearch search() const;
  /// The encoder with weights().
  [[nodiscard]] Encoder encoder() const;
  /// Sets parameters and average.
  void set_weights(const TensorMap& weights);

  /// `settings` as settings_text() has them.
  [[nodiscard]] Status save(const std::string& path, const Progress& progress,
                            const std::string& settings) const;
  /// Nothing when there is no checkpoint; fails when it has other settings, saying which.
  [[nodiscard]] Expected<std::optional<Progress>> restore(const std::string& path,
                                                          const std::string& settings);

 private:
  /// The encoder's features of cached ones. Differentiable.
  [[nodiscard]] torch::Tensor finish(const torch::Tensor& cached) const;
  [[nodiscard]] PhotoInputs photo_inputs(const Batch& batch, const torch::Tensor& features) const;
  /// The loss of some sentences without photos.
  [[nodiscard]] torch::Tensor text_loss(std::int64_t step);
  [[nodiscard]] std::vector<std::int64_t> concept_of_word() const;
  [[nodiscard]] std::uint64_t stage_number() const;
  [[nodiscard]] const EpochOrder& order_of(std::int64_t epoch,
                                           const std::vector<std::int64_t>& usable) const;
  double update(const torch::Tensor& loss, double rate);
  /// Draws captions for the batch's photos and gives their loss; sets `reward`.
  torch::Tensor critic(const Batch& batch, const torch::Tensor& features, double& reward);
  [[nodiscard]] DecoderParameters decoder_parameters() const;
  [[nodiscard]] std::int64_t photos_per_step() const;

  const FitOptions& options_;
  const Vocabulary& vocabulary_;
  const std::vector<CaptionedPhoto>& train_;
  Guides guides_;
  Stage stage_ = Stage::decoder;
  TensorMap encoder_, decoder_;  // names as in weights.safetensors
  TensorMap average_;            // of the parameters trained in this stage; empty: not wanted
  std::unique_ptr<Reward> reward_;
  std::unique_ptr<Adam> adam_;
  mutable EpochOrder order_;  // of the last batch: shuffling 100,000 photos per step is slow
};

}  // namespace photoscribe
