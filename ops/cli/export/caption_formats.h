// caption_formats: chosen captions as one stream of text: alternative texts, data sets for other
// training programs, a page.
#pragma once

#include <memory>
#include <string>

#include "ops/cli/export/photo_writer.h"

namespace photoscribe::cli {

class CaptionFormat {
 public:
  virtual ~CaptionFormat() = default;
  /// Number of passes over all photos: COCO lists its images before its captions.
  [[nodiscard]] virtual int passes() const { return 1; }
  [[nodiscard]] virtual std::string begin(int pass) = 0;
  [[nodiscard]] virtual std::string photo(int pass, const CaptionedPhoto& photo) = 0;
  [[nodiscard]] virtual std::string end(int pass) = 0;
};

/// CSV: uri,alt. A line per photo with a caption.
[[nodiscard]] std::unique_ptr<CaptionFormat> alt_texts(const AltTextStyle& style);

/// A photo's name in a data set is its path in its root, after the root's name if there are several
/// roots.
struct DatasetNames {
  bool several_roots = false;
};
/// COCO's captions_*.json: images, then annotations.
[[nodiscard]] std::unique_ptr<CaptionFormat> coco_captions(const DatasetNames& names);
/// Karpathy's dataset_*.json; one photo in ten, by a hash of its name, is of split "val".
[[nodiscard]] std::unique_ptr<CaptionFormat> karpathy_dataset(const DatasetNames& names);
/// Flickr8k.token.txt: "name#0<tab>caption". A name that the format cannot hold (with a line end or
/// a tab in it) is left out.
[[nodiscard]] std::unique_ptr<CaptionFormat> flickr_tokens(const DatasetNames& names);

/// A page of photos and captions; it refers to the photos where they are.
[[nodiscard]] std::unique_ptr<CaptionFormat> html_index();

}  // namespace photoscribe::cli
