// start: the weights that a training run starts from, adapted to its own words and concepts.
// Private to models/train.
#pragma once

#include "common/core/error.h"
#include "models/format/concept_list.h"
#include "models/format/tensors.h"
#include "models/format/vocabulary.h"
#include "models/train/fit.h"

namespace photoscribe {

/// Where a run starts.
struct Start {
  TensorMap encoder, decoder;      // names without "encoder.", with "decoder."; no decoder: random
  std::vector<std::string> words;  // the decoder's; none: there is no decoder
  int grid_side = 0;               // ModelArchitecture::grid_side of the model's folder
  std::vector<ConceptEntry> concepts;  // of its classifier, with a model's folder
};

/// The architecture that an encoder's file names; mobilenet_v2 if it names none. Fails, saying what
/// to do, when photoscribe-train import did not write it: for a whole state dict or PyTorch's own
/// file.
[[nodiscard]] Expected<std::string> architecture_of_encoder(const std::string& file);

/// The encoder of FitOptions::encoder, or all of FitOptions::start: a file of weights or a model's
/// folder.
[[nodiscard]] Expected<Start> read_start(const FitOptions& options);

/// The decoder to train: `start`'s, with the rows of words moved to where `vocabulary` has them,
/// and everything it lacks newly drawn from LibTorch's default generator.
[[nodiscard]] TensorMap complete_decoder(const Start& start, const ModelArchitecture& architecture,
                                         const Vocabulary& vocabulary);

}  // namespace photoscribe
