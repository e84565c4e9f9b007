// features: photos as the network's pixels, and the encoder's features of them kept on disk.
// Private to models/train.
//
// The cache is one file of half-precision features, mapped into memory, beside a text file that
// says what it was made of; made of anything else, it is made anew. It never holds half a run: the
// text file is written last.
#pragma once

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "common/core/types.h"
#include "models/encoder.h"

namespace photoscribe {

/// Reads and decodes one photo for the network; nothing, and a line on standard error, when it
/// does not decode.
[[nodiscard]] std::optional<DecodedImage> read_photo(const std::string& path, int side_px);

/// (S,S,3) bytes -> (3,S,S) float32: RGB / 255, less mean, by std.
[[nodiscard]] torch::Tensor normalise(const DecodedImage& photo, const ModelArchitecture& model);

class FeatureCache {
 public:
  /// Takes the features of `paths` from `file`, or makes it: needs 2 * L * C bytes a photo, twice
  /// that with `mirrored`. `encoder_file` is what `encoder` was read from; its content is part of
  /// the key. Calls `progress(done, all)` now and then. Fails with environment (disk).
  [[nodiscard]] static Expected<FeatureCache> open_or_make(
      const std::string& file, const std::vector<std::string>& paths, const Encoder& encoder,
      const std::string& encoder_file, const ModelArchitecture& model, bool mirrored,
      const std::function<void(std::int64_t, std::int64_t)>& progress);

  FeatureCache(FeatureCache&& other) noexcept;
  FeatureCache& operator=(FeatureCache&&) = delete;
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;
  ~FeatureCache();

  /// Whether photo i decoded.
  [[nodiscard]] bool usable(std::size_t i) const { return usable_.at(i); }
  /// Features (n,L,C) float32 of photos `which`; `mirror[k]` picks the flipped copy.
  [[nodiscard]] torch::Tensor get(const std::vector<std::int64_t>& which,
                                  const std::vector<bool>& mirror) const;

 private:
  FeatureCache() = default;
  void* map_ = nullptr;
  std::size_t map_bytes_ = 0;
  bool mirrored_ = false;
  torch::Tensor all_;  // (photos * copies, L, C) half, over the map
  std::vector<bool> usable_;
};

}  // namespace photoscribe
