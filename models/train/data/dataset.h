// dataset: photos to train on, and their captions as words and numbers. Private to models/train.
// Which photos these are: splits.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/scores/bleu.h"
#include "models/format/vocabulary.h"

namespace photoscribe {

struct CaptionedPhoto {
  std::string name;              // file name, as captions and split lists have it
  std::vector<Tokens> captions;  // PTB tokens, lower case, no punctuation
  int times = 1;                 // how often an epoch shows it; 0: never
  std::string path = {};         // where it is; empty: unknown
};

/// Where each of them is.
[[nodiscard]] std::vector<std::string> paths_of(const std::vector<CaptionedPhoto>& photos);

/// Sentences of a file, one per line, for a decoder that learns from text alone. Lines without
/// words are left out. Fails with invalid_config if it cannot be read or has none.
[[nodiscard]] Expected<std::vector<Tokens>> read_text(const std::string& path);

struct VocabularySettings {
  std::int64_t count_min = 5;  // occurrences that a word needs in captions, or in the text
  std::int64_t words_max = 0;  // the most frequent, captions and text together; 0: all
};
/// The words that occur often enough in the photos' captions or in the text, most frequent first
/// (ties by spelling). Fails with invalid_config when none does.
[[nodiscard]] Expected<Vocabulary> make_vocabulary(const std::vector<CaptionedPhoto>& photos,
                                                   const std::vector<Tokens>& text,
                                                   const VocabularySettings& settings);

/// A caption as numbers, cut to `words_max` words, with the end token. With `mirrored` the words
/// left and right are swapped, for photos that are shown flipped.
[[nodiscard]] std::vector<std::int64_t> encode_caption(const Tokens& caption,
                                                       const Vocabulary& vocabulary,
                                                       std::size_t words_max, bool mirrored);

}  // namespace photoscribe
