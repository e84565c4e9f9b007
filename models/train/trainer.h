// trainer: the state of a training run and what one step does to it. Private to models/train.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "models/train/adam.h"
#include "models/train/evaluate.h"
#include "models/train/features.h"
#include "models/train/fit.h"

namespace photoscribe {

enum class Stage { decoder, whole };

/// Where a run stands, beside the tensors. What a checkpoint says in its metadata.
struct Progress {
  Stage stage = Stage::decoder;
  std::int64_t step = 0;  // of this stage
  double best_bleu4 = -1;
  std::int64_t epochs_since_best = 0;
  double seconds = 0;  // of training, over all restarts
  std::string curve;   // the lines of curve.csv so far
};

class Trainer {
 public:
  /// Takes its own copies of the parameters.
  Trainer(const FitOptions& options, const Vocabulary& vocabulary,
          const std::vector<CaptionedPhoto>& train, const TensorMap& encoder,
          const TensorMap& decoder);

  /// One update on cached features at this rate; returns the loss per token.
  double step_decoder(const Batch& batch, const torch::Tensor& features, double rate);
  /// One update of everything on the photos' pixels (P,3,S,S).
  double step_whole(const Batch& batch, const torch::Tensor& images, double rate);

  /// The batch of a step: a function of seed, stage and step alone.
  [[nodiscard]] Batch batch_of(std::int64_t step, const std::vector<std::int64_t>& usable) const;
  [[nodiscard]] std::int64_t steps_per_epoch(std::size_t usable) const;

  /// Starts a stage: which parameters move, with fresh optimiser memory.
  void begin(Stage stage);
  [[nodiscard]] Stage stage() const noexcept { return stage_; }

  [[nodiscard]] CaptionSearch search() const;
  [[nodiscard]] Encoder encoder() const;
  /// Copies of all parameters, as in weights.safetensors.
  [[nodiscard]] TensorMap weights() const;
  void set_weights(const TensorMap& weights);

  [[nodiscard]] Status save(const std::string& path, const Progress& progress,
                            const std::string& fingerprint) const;
  /// Nothing when there is no checkpoint; fails when there is one of other settings.
  [[nodiscard]] Expected<std::optional<Progress>> restore(const std::string& path,
                                                          const std::string& fingerprint);

 private:
  double update(const Loss& loss, double rate);

  const FitOptions& options_;
  const Vocabulary& vocabulary_;
  const std::vector<CaptionedPhoto>& train_;
  Stage stage_ = Stage::decoder;
  TensorMap encoder_, decoder_;  // names as in weights.safetensors
  std::unique_ptr<Adam> adam_;
};

}  // namespace photoscribe
