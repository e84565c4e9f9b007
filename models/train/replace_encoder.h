// replace_encoder: another encoder under a decoder that has learnt. Private to models/train.
//
// A decoder sees an encoder's features through one linear layer (decoder.annotate). Where another
// encoder takes the first one's place that layer is fitted anew, by ridge regression on the grids
// of photos that both encode, so that the decoder gets what it used to as nearly as one linear map
// can make it; and the classifier of concepts by the photos' captions. Training then goes on from
// there, instead of from a decoder that understands nothing it is shown: a mature decoder is worth
// more than one that starts afresh (experiments.md, 97 and 98).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "common/core/error.h"
#include "models/train/data/splits.h"

namespace photoscribe {

struct ReplaceEncoderOptions {
  std::string model;           // folder whose decoder is kept
  std::string encoder;         // file of photoscribe-train import, or the folder of another model
  int side_px = 0;             // that photos are shown to it in; 0: the other model's, else model's
  CaptionSources sources;      // what the layers are fitted on: all with captions, or
  std::string split;           // those of this split
  std::string concept_labels;  // concept_head.h; empty: none
  std::string output;          // model folder to write
  std::uint64_t seed = 1;
  std::string command;  // as it was typed, for the record
};

/// Writes the model's folder with the other encoder. Reports on standard error, also which share of
/// the annotations' variance the new features explain. Fails with invalid_config for an ensemble, a
/// decoder that does not look at a grid through decoder.annotate, or arrays that are no encoder's;
/// with model_failure for a file that is no safetensors; with environment when no photo decodes;
/// with cancelled when it was asked to stop (stop.h).
[[nodiscard]] Status replace_encoder(const ReplaceEncoderOptions& options);

/// Ridge regression, added up batch by batch in double precision: n rows of C numbers to D.
class RidgeRegression {
 public:
  RidgeRegression(std::int64_t inputs, std::int64_t outputs);
  /// `from` (n,C), `to` (n,D).
  void add(const torch::Tensor& from, const torch::Tensor& to);

  struct Result {
    torch::Tensor weight, bias;  // (D,C), (D), float32
    double explained = 0;        // share of the outputs' variance, of the rows themselves
  };
  /// Least squares plus `ridge` times the inputs' mean square times that of the weights (not of
  /// the bias). Throws std::runtime_error without rows.
  [[nodiscard]] Result solve(double ridge) const;

 private:
  torch::Tensor squares_, products_;        // (C+1,C+1), (C+1,D): the inputs have a one behind them
  torch::Tensor outputs_, output_squares_;  // sums (D)
  double rows_ = 0;
};

}  // namespace photoscribe
