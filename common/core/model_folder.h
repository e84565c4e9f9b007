// model_folder: what a model's folder says about itself, and the hash that names it everywhere
// (design.md 7).
//
// A folder holds model.yaml, vocab.txt and weights.safetensors; or, when several models speak
// together, a model.yaml that names the folders of its members inside it. Reading it needs no
// LibTorch, so the scheduler can put hash and search defaults into a run's spec. It does not load
// weights.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/core/confidence.h"
#include "common/core/error.h"
#include "common/core/spec.h"

namespace photoscribe {

/// The functional fields of model.yaml: what the network computes depends on these, and so does the
/// hash.
struct ModelArchitecture {
  std::string encoder = "mobilenet_v2";      // torchvision's name
  std::string decoder = "show_attend_tell";  // one of decoder_names() (models/decoder/decoder.h)
  int input_side_px = 224;
  std::array<double, 3> mean{0.485, 0.456, 0.406};  // of RGB / 255
  std::array<double, 3> std{0.229, 0.224, 0.225};
  int feature_channels = 1280;
  /// Side of the grid that the decoder looks at: the encoder's, pooled adaptively (pool_grid() of
  /// models/decoder/decoder.h); 0: as the encoder gives it.
  int grid_side = 0;
  int annotation_size = 512;  // the decoder looks at features projected to this many channels
  int embedding_size = 512, hidden_size = 640, attention_size = 256;
  /// Concepts that a classifier looks for (concepts.txt; 0: there is none), and how many of them,
  /// the likeliest, the decoder looks at beside the grid.
  int concepts = 0, concept_slots = 0;
  /// How much the classifier's log-odds count beside the decoder's own for words that name
  /// concepts; 1 is what it was trained with.
  double concept_weight = 1;
  /// The probability of a concept at which the classifier has no say in whether its words are used.
  /// More: fewer false things, and fewer things.
  double concept_undecided = 0.1;
  /// A concept with at least this probability is named in the caption, by any of its words
  /// (models/search/constraints.h); 0: none must be.
  double concept_said_min = 0;
  bool operator==(const ModelArchitecture&) const = default;
};

struct ModelFolder {
  std::string folder;
  std::string name;                           // for people
  ModelArchitecture architecture;             // of an ensemble: its first member's
  SearchSettings search;                      // the model's own defaults; a run may override them
  std::optional<ConfidenceModel> confidence;  // none: nobody fitted one
  std::string hash;  // 64 hex digits: SHA-256 over architecture, vocabulary and weights, or over
                     // the members' hashes
  std::vector<ModelFolder> members;  // of an ensemble, else none
};

/// Reads and checks model.yaml and hashes the folder. Fails with invalid_config, naming file and
/// line.
[[nodiscard]] Expected<ModelFolder> read_model_folder(const std::string& folder);

/// The functional part of model.yaml as YAML text, as read_model_folder takes it.
[[nodiscard]] std::string to_yaml(const ModelArchitecture& architecture,
                                  const SearchSettings& search);

/// Section `search` of model.yaml.
[[nodiscard]] std::string to_yaml(const SearchSettings& search);

/// Section `confidence` of model.yaml.
[[nodiscard]] std::string to_yaml(const ConfidenceModel& confidence);

/// Puts the section into the folder's model.yaml, in place of the one that is there; the rest keeps
/// its text, and the hash is the same. Fails with environment when it cannot be written: then
/// nothing changed.
[[nodiscard]] Status write_confidence(const std::string& folder, const ConfidenceModel& confidence);

}  // namespace photoscribe
