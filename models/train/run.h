// run: one training run: stages, checkpoints, scores, and the model folder at its end. Private to
// models/train.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "models/train/trainer.h"

namespace photoscribe {

/// What a run trains on and is scored by. Borrowed.
struct RunData {
  const Vocabulary& vocabulary;
  const std::vector<CaptionedPhoto>&train, &dev;
  const FeatureCache &train_features, &dev_features;
  std::vector<std::string> train_paths;  // of the photos of `train`
  std::vector<ConceptEntry> concepts;    // none: the model has no classifier
  const TensorMap& initial_encoder;      // the encoder's weights before this run
};

class Run {
 public:
  Run(const FitOptions& options, RunData data, Trainer& trainer);

  /// Goes through the stages, from the last checkpoint if there is one, and writes the model.
  [[nodiscard]] Status go();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::string checkpoint() const { return options_.work + "/checkpoint.safetensors"; }
  [[nodiscard]] std::string best() const { return options_.work + "/best.safetensors"; }

  Status restore();
  [[nodiscard]] bool wanted(Stage stage) const;
  Status enter(Stage stage);
  Status train_stage();
  double step();
  Status save();
  /// Saves; the error says how to resume.
  Status interrupted();
  [[nodiscard]] std::int64_t steps_of_stage() const;
  [[nodiscard]] std::int64_t steps_between_scores() const;
  [[nodiscard]] bool out_of_patience() const;
  [[nodiscard]] bool score_is_due() const;
  [[nodiscard]] bool checkpoint_is_due() const;
  [[nodiscard]] std::int64_t epoch() const;
  [[nodiscard]] double rate() const;

  [[nodiscard]] SplitScore score_dev() const;
  /// Writes the curve's line, keeps the weights if they are the best so far, and checkpoints.
  Status take_score(const SplitScore& score);
  Status finish();
  /// How this stage ended, and which of its scores was the best, in words.
  [[nodiscard]] std::string ending() const;
  void print_next_step() const;
  void warn_of_unchanged_layers(const TensorMap& weights) const;
  Status write_model(const std::string& folder, const TensorMap& weights) const;
  void note_progress(double number, double step_s);

  const FitOptions& options_;
  RunData data_;
  Trainer& trainer_;
  std::vector<std::int64_t> train_usable_, dev_usable_;
  std::string settings_;
  Progress progress_;
  bool stopped_ = false;
  double pace_s_ = 0;  // of a step
  Clock::time_point next_line_ = Clock::now(), saved_at_ = Clock::now();
};

}  // namespace photoscribe
