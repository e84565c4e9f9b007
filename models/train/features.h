// features: photos as the network's pixels, and a cache on disk of the encoder's features of them.
// Private to models/train.
//
// The cache consists of files of half-precision features, one for each thousand photos and view of
// them, mapped into memory; a text file beside each says what it was made from, and if that
// changed, it is made again. An incomplete file is never taken for complete: the text file is
// written last. So a killed run's work is kept, a full disk keeps what fitted, and a longer list of
// photos costs only what it adds; one file for all would need its whole space at once, and a second
// copy to grow. Only pages in use are in memory, and the system can reclaim those.
#pragma once

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/core/model_folder.h"
#include "common/core/types.h"
#include "models/encoder/encoder.h"
#include "models/format/precision.h"

namespace photoscribe {

/// Reads and decodes one photo for the network; nothing, and a line on standard error, when it
/// does not decode.
[[nodiscard]] std::optional<DecodedImage> read_photo(const std::string& path, int side_px);

/// (S,S,3) bytes -> (3,S,S) float32: (RGB / 255 - mean) / std.
[[nodiscard]] torch::Tensor normalise(const DecodedImage& photo, const ModelArchitecture& model);

/// What is cached: the first layers of an encoder, and how photos are shown to them.
struct CachedFeatures {
  Encoder head;
  ModelArchitecture model;  // only its side, mean and std matter
  std::int64_t views = 1;   // of each photo, as cached_view() gives them
  bool mirror = false;
  Precision precision = Precision::float32;  // of the encoder's products; not automatic
};

/// Bytes of files of features.
struct FeatureSpace {
  std::int64_t all = 0, missing = 0;  // missing: what the disk does not hold yet
};

/// The space that this many photos take in files FILE.VIEW.PART.
[[nodiscard]] FeatureSpace space_of(const std::string& file, std::int64_t photos,
                                    const CachedFeatures& wanted);

/// "2.7 GB in FOLDER, …, 40.1 GB free", or environment, saying what to do, when that is not enough.
[[nodiscard]] Expected<std::string> check_space(const std::string& folder,
                                                const FeatureSpace& space, std::int64_t free_bytes);

/// A file of features in a folder, such as "/features.train", and how many photos it holds.
struct FeatureFile {
  const char* name = "";
  std::int64_t photos = 0, views = 1;
};

/// Prints on standard error how much space the features take, before a photo is read; fails as
/// check_space().
[[nodiscard]] Status report_space(const std::string& folder, CachedFeatures cached,
                                  const std::vector<FeatureFile>& files);

class FeatureCache {
 public:
  using ProgressCallback = std::function<void(std::int64_t done, std::int64_t all)>;

  /// Takes the features of `paths` from the files FILE.VIEW.PART, or makes those that are missing
  /// or out of date: needs 2 * L * C bytes per photo and view. Calls `progress` (photos times
  /// views) now and then. Fails with environment (disk), and with cancelled when it was asked to
  /// stop (stop.h); whole files stay.
  [[nodiscard]] static Expected<FeatureCache> open_or_make(const std::string& file,
                                                           const std::vector<std::string>& paths,
                                                           const CachedFeatures& wanted,
                                                           const ProgressCallback& progress);

  /// Whether photo i decoded.
  [[nodiscard]] bool usable(std::size_t i) const { return usable_.at(i); }
  /// Features (n,L,C) float32 of photos `which`, in view `view[k]`; no views: as they are.
  [[nodiscard]] torch::Tensor get(const std::vector<std::int64_t>& which,
                                  const std::vector<std::int64_t>& view) const;

 private:
  FeatureCache() = default;
  using View = std::vector<torch::Tensor>;  // (photos, L, C) half, each mapped from its file
  std::vector<View> views_;
  std::vector<bool> usable_;
};

/// Reports on standard error: "features of WHAT photos".
[[nodiscard]] FeatureCache::ProgressCallback feature_progress(const std::string& what);

/// The features (n,L,C) at the end of `encoder` from those cached after its block `block`;
/// differentiable, its pointwise convolutions as mixed_linear(). Empty: cached at the end.
[[nodiscard]] torch::Tensor finish_encoding(const Encoder& encoder, const std::string& block,
                                            const torch::Tensor& cached);

}  // namespace photoscribe
