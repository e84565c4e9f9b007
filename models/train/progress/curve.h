// curve: what a work folder of `fit` says about its training: scores, rates and the captions of the
// dev photos at each score. Private to models/train.
//
// A training may be writing while it is read: an incomplete line is left out with a note, and what
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
  std::int64_t epoch = 0;        // of stage decoder; for the others it is the step
  std::int64_t step = 0;         // of its stage
  double rate = 0;               // learning rate
  double loss = 0;               // per token; for stage critic the mean reward
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
  std::vector<std::string> dev;         // the dev photos, in order; none: unknown
  std::vector<NamedCaptions> captions;  // at each point of the curve; empty: not written
  std::map<std::string, std::vector<std::string>> references;  // of dev photos; empty: unknown
};

/// Fails with invalid_config and says what to do: no such folder, a model's folder, not a work
/// folder, or one in which nothing has been scored yet. `references`: a captions file in any form
/// of caption_file.h, for folders that do not hold their own; empty: none.
[[nodiscard]] Expected<TrainingWork> read_training(const std::string& folder,
                                                   const std::string& references);

/// For each point the steps since the start of the training, over all stages.
[[nodiscard]] std::vector<std::int64_t> total_steps(const Curve& curve);

/// The point with the best BLEU-4 of the last stage, which is what fit keeps
/// unless it was told to --select-by cider. `points` must not be
/// empty.
[[nodiscard]] const CurvePoint& best_point(const Curve& curve);

/// "epoch 3" or "critic, step 200".
[[nodiscard]] std::string place_text(const CurvePoint& point);

}  // namespace photoscribe
