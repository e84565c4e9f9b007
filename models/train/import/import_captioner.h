// import_captioner: converts whole CNN-LSTM captioners that others trained and published. Private
// to models/train.
//
// Names, shapes, gates and preprocessing are facts of the repositories named below; the code is
// ours. They compute what the decoders of decoder_parameters.h compute, so weights are only moved,
// pairs of biases added, and batch norms folded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "models/train/import/state_dict.h"
#include "models/train/import/word_list.h"

namespace photoscribe {

enum class CaptionerKind : std::uint8_t {
  sgrvinod,    // a-PyTorch-Tutorial-to-Image-Captioning: gated_attend_tell on ResNet-101
  ruotianluo,  // ImageCaptioning.pytorch, self-critical.pytorch: fc, newfc, show_tell, att2in2,
               // show_attend_tell on ResNet-101 as Caffe has it
  yunjey,      // pytorch-tutorial, image_captioning: plain_show_tell on ResNet-152
};
[[nodiscard]] const std::vector<std::string>& captioner_kinds();
/// Throws std::runtime_error for any other word.
[[nodiscard]] CaptionerKind captioner_kind(const std::string& name);

/// What the files of a captioner hold.
struct CaptionerFiles {
  StateDict checkpoint;
  std::optional<StateDict> encoder;  // if the checkpoint has none
  WordList words;
};

/// What differs from the kind's defaults; empty or 0: nothing.
struct ImportOverrides {
  std::string encoder;  // encoder_layers.h
  int side_px = 0, grid_side = 0;
  double norm_epsilon = 1e-5;
};

struct ImportedCaptioner {
  ModelArchitecture architecture;
  SearchSettings search;
  Vocabulary vocabulary;
  TensorMap tensors;                          // as in weights.safetensors, float32
  std::string network;                        // what was recognised, in words
  std::vector<std::string> left_over, notes;  // arrays not needed; remarks for the user
};

/// Fails with invalid_config, naming every array that is missing, has another shape or is left over
/// in the decoder, or saying what does not fit together.
[[nodiscard]] Expected<ImportedCaptioner> import_captioner(CaptionerKind kind,
                                                           const CaptionerFiles& files,
                                                           const ImportOverrides& overrides);

}  // namespace photoscribe
