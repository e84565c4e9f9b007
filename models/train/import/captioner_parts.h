// captioner_parts: what the importers of captioners share. Part of import_captioner.h, which is the
// header to include. Private to models/train.
//
// As in decoder_parameters.h: C feature channels, A attention size, E embedding size, H hidden
// size, V words.
#pragma once

#include <string>

#include "models/train/import/import.h"
#include "models/train/import/import_captioner.h"
#include "models/train/import/state_arrays.h"

namespace photoscribe {

/// A ResNet in a state dict, under torchvision's names or as an nn.Sequential of its children.
struct FoundResnet {
  std::string prefix;        // before its names
  bool sequential = false;   // "0", "1", "4" … instead of conv1, bn1, layer1 …
  std::string architecture;  // encoder_layers.h, torchvision's
  [[nodiscard]] std::string name(const std::string& torchvisions) const;
};
/// Throws std::runtime_error when there is none, or one of unknown depth.
[[nodiscard]] FoundResnet find_resnet(const TensorMap& state);

/// The prefix of `name` in the state dict; the shortest, if there are several. Throws
/// std::runtime_error when there is none: `kind` says whose captioner that would be.
[[nodiscard]] std::string find_prefix(const TensorMap& state, const std::string& name,
                                      const std::string& kind);

/// Takes the decoder's arrays out of a state dict by their names after a prefix.
struct DecoderArrays {
  StateArrays& all;
  std::string prefix;
  [[nodiscard]] torch::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape) {
    return all.get(prefix + name, shape);
  }
  [[nodiscard]] bool has(const std::string& name) const { return all.has(prefix + name); }
  /// Throws std::runtime_error when there is no such array or axis.
  [[nodiscard]] std::int64_t extent(const std::string& name, std::size_t axis) const {
    return all.extent(prefix + name, axis);
  }
  /// A linear layer's.
  [[nodiscard]] torch::Tensor weight(const std::string& layer, std::int64_t out, std::int64_t in) {
    return get(layer + ".weight", {out, in});
  }
  [[nodiscard]] torch::Tensor bias(const std::string& layer, std::int64_t out) {
    return get(layer + ".bias", {out});
  }
};

/// Throws std::runtime_error unless every size is one that a captioner can have.
void check_sizes(const ModelArchitecture& a, std::int64_t words);

/// Imports the decoder of each kind: sets sizes, decoder and search settings of `made`, and its
/// "decoder.…" tensors. `channels`: the encoder's output channels. The arrays collect what is
/// missing or has another shape; throws std::runtime_error for what makes no sense at all.
void import_sgrvinod(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t channels,
                     ImportedCaptioner& made);
void import_ruotianluo(DecoderArrays& decoder, const CaptionerFiles& files, std::int64_t channels,
                       ImportedCaptioner& made);
/// `head` holds the layers between ResNet and LSTM, in the encoder's state dict.
void import_yunjey(DecoderArrays& decoder, DecoderArrays& head, const CaptionerFiles& files,
                   std::int64_t channels, ImportedCaptioner& made);

/// The array that identifies which of ruotianluo's decoders this is.
[[nodiscard]] std::string find_ruotianluo(const TensorMap& state);

/// The words of `files`, for tables of V rows; sets the vocabulary. Throws std::runtime_error.
[[nodiscard]] WordRows arrange(const CaptionerFiles& files, std::int64_t rows,
                               ImportedCaptioner& made);

}  // namespace photoscribe
