// dataset: which photos there are to learn from and what people said about them. Private to
// models/train.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/bleu.h"
#include "models/vocabulary.h"

namespace photoscribe {

struct CaptionedPhoto {
  std::string name;              // file name, as captions and split lists have it
  std::vector<Tokens> captions;  // PTB tokens, lower case, no punctuation
};

/// The photos of `split` with their captions of `captions`, which has any of the forms of
/// caption_file.h. `split` is a list of file names, one a line, whose order is kept, or the name of
/// a split where the captions have splits. Fails with invalid_config naming file and line: a photo
/// without captions, an empty list, a file that is not understood.
[[nodiscard]] Expected<std::vector<CaptionedPhoto>> read_split(const std::string& captions,
                                                               const std::string& split);

/// The words that stand in at least `count_min` captions' places, most frequent first (ties by
/// spelling).
[[nodiscard]] Expected<Vocabulary> make_vocabulary(const std::vector<CaptionedPhoto>& photos,
                                                   std::int64_t count_min);

/// A caption as numbers, cut to `words_max` words, with the end token. With `mirrored` the words
/// left and right change places, for photos that are shown flipped.
[[nodiscard]] std::vector<std::int64_t> encode_caption(const Tokens& caption,
                                                       const Vocabulary& vocabulary,
                                                       std::size_t words_max, bool mirrored);

}  // namespace photoscribe
