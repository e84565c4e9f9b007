// caption_forms: one reader per form of caption file. Private to common/scores.
#pragma once

#include <functional>
#include <string>

#include "common/scores/block_reader.h"
#include "common/scores/caption_file.h"

namespace photoscribe {

/// What a reader works on. `facts` are filled as it goes.
struct CaptionSource {
  const std::string& file;  // for messages
  BlockReader& reader;
  const TakeCaption& take;
  CaptionFileFacts facts;

  /// Checks that a caption is text, trims it and hands it on.
  Status give(FileCaption caption);
  /// An error at the reader's line.
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& why) const;
};

Status read_flickr_tokens(CaptionSource& source);
Status read_csv(CaptionSource& source);
Status read_json_lines(CaptionSource& source);
Status read_json_array(CaptionSource& source);
/// COCO captions and Karpathy's files: sets facts.form to which of them it is.
Status read_json_document(CaptionSource& source);

}  // namespace photoscribe
