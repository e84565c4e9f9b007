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
  int times = 1;                 // how often an epoch shows it; 0: never
};

/// The photos of `split` with their captions of `captions`, which has any of the forms of
/// caption_file.h. `split` is a list of file names, one a line, whose order is kept, or the name of
/// a split where the captions have splits. Behind a name in the list, after a tab, may stand how
/// often an epoch shows the photo. Fails with invalid_config naming file and line: a photo without
/// captions, an empty list, a file that is not understood.
[[nodiscard]] Expected<std::vector<CaptionedPhoto>> read_split(const std::string& captions,
                                                               const std::string& split);

/// Sentences of a file, one a line, for a decoder that learns from text alone. Lines without words
/// are left out. Fails with invalid_config: it cannot be read, or holds none.
[[nodiscard]] Expected<std::vector<Tokens>> read_text(const std::string& path);

struct VocabularySettings {
  std::int64_t count_min = 5;  // places in captions of photos, or in the text, that a word needs
  std::int64_t words_max = 0;  // the most frequent, captions and text together; 0: all
};
/// The words that stand often enough in the photos' captions or in the text, most frequent first
/// (ties by spelling).
[[nodiscard]] Expected<Vocabulary> make_vocabulary(const std::vector<CaptionedPhoto>& photos,
                                                   const std::vector<Tokens>& text,
                                                   const VocabularySettings& settings);

/// A caption as numbers, cut to `words_max` words, with the end token. With `mirrored` the words
/// left and right change places, for photos that are shown flipped.
[[nodiscard]] std::vector<std::int64_t> encode_caption(const Tokens& caption,
                                                       const Vocabulary& vocabulary,
                                                       std::size_t words_max, bool mirrored);

}  // namespace photoscribe
