// curve: what a work folder of `fit` tells of its training: scores, rates and what was said of the
// dev photos at each score. Private to models/train.
//
// Read while a training may be writing: a line that is cut short is left out and told of, and what
// an earlier version did not write is absent.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

/// One score: a row of curve.csv.
struct CurvePoint {
  std::string stage;             // decoder, critic, whole
  std::int64_t epoch = 0;        // of stage decoder; of the others it is the step
  std::int64_t step = 0;         // of its stage
  double rate = 0;               // learning rate
  double loss = 0;               // per token; of stage critic the mean reward
  std::array<double, 4> bleu{};  // BLEU-1..4 in [0, 1]
  std::optional<double> cider;   // CIDEr-D in [0, 10]; absent: scored by an earlier version
  double seconds = 0;            // of training so far, without scoring
};

struct Curve {
  std::vector<CurvePoint> points;
  std::vector<std::string> notes;  // sentences: what was left out
};

/// The text of a curve.csv. Fails with invalid_config, with `name` in front, when its first line is
/// not one of fit's.
[[nodiscard]] Expected<Curve> parse_curve(const std::string& text, const std::string& name);

/// Captions of photos, by name.
using NamedCaptions = std::map<std::string, std::string>;

struct TrainingWork {
  std::string folder;
  Curve curve;
  std::vector<std::string> dev;         // the dev photos, in order; none: not known
  std::vector<NamedCaptions> captions;  // at each point of the curve; empty: not written
  std::map<std::string, std::vector<std::string>> references;  // of dev photos; empty: not known
};

/// Fails with invalid_config and says what to do: no such folder, a model's folder, one that is no
/// work folder, one in which nothing has been scored yet. `references`: a captions file in any form
/// of caption_file.h, for folders that do not hold their own; empty: none.
[[nodiscard]] Expected<TrainingWork> read_training(const std::string& folder,
                                                   const std::string& references);

/// Steps since the training's beginning, over all stages: of each point.
[[nodiscard]] std::vector<std::int64_t> total_steps(const Curve& curve);

/// The point with the best BLEU-4 of the last stage, which is what fit keeps. `points` must not be
/// empty.
[[nodiscard]] const CurvePoint& best_point(const Curve& curve);

/// "epoch 3" or "critic, step 200".
[[nodiscard]] std::string place_text(const CurvePoint& point);

}  // namespace photoscribe
