// caption_forms: one reader per form of caption file. Private to common/scores.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/scores/block_reader.h"
#include "common/scores/caption_file.h"

namespace photoscribe {

/// What a reader works on. `facts` are filled as it goes.
struct CaptionSource {
  const std::string& file;  // for messages
  BlockReader& reader;
  const TakeCaption& take;
  bool strict = false;
  CaptionFileFacts facts;
  std::int64_t line = 0;  // that is being read; 0: a JSON text as a whole, and then
  std::int64_t item = 0;  // which of its records

  /// Checks that a caption is text, trims it and hands it on.
  Status give(FileCaption caption);
  /// This line or item is wrong: an error if `strict`.
  Status leave_out(const std::string& why);
  /// An error of the file at this line.
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& why) const;

 private:
  [[nodiscard]] std::string where() const;
};

/// The bytes of a text in which %XX stands for a byte, as in the `uri` of an export.
[[nodiscard]] std::string percent_decoded(std::string_view text);

Status read_flickr_tokens(CaptionSource& source);
Status read_csv(CaptionSource& source);
Status read_json_lines(CaptionSource& source);
Status read_json_array(CaptionSource& source);
/// COCO captions and Karpathy's files: sets facts.form to which of them it is.
Status read_json_document(CaptionSource& source);

}  // namespace photoscribe
