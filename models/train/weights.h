// weights: a training's weights in a file, with the words that the rows of its tables are for.
// Private to models/train.
//
// Another list of captions puts words into another order (Vocabulary: the most frequent first), so
// a table without its words would be taken for one of other words, row by row, and nothing would
// say so but worse captions.
#pragma once

#include <string>
#include <vector>

#include "common/core/error.h"
#include "models/format/tensors.h"

namespace photoscribe {

struct Weights {
  TensorMap tensors;               // of encoder and decoder
  std::vector<std::string> words;  // by number; empty: the file does not say
};

/// Fails as load_tensors().
[[nodiscard]] Expected<Weights> load_weights(const std::string& path);

/// Fails as save_tensors().
[[nodiscard]] Status save_weights(const std::string& path, const Weights& weights);

}  // namespace photoscribe
