// caption_set: many photos' captions as token numbers, in flat memory.
//
// Captions come in any order, a photo's need not stand together; group() puts them in order. A
// million photos with five captions each take about 90 bytes a caption.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/scores/local_words.h"
#include "common/scores/ngrams.h"
#include "common/scores/token_numbers.h"
#include "common/scores/token_table.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

class CaptionSet {
 public:
  /// `words` is shared by the sets that are to be compared, and outlives them.
  CaptionSet(TokenTable& words, Tokenizer tokenizer) : words_(words), numbers_(tokenizer, words) {}

  /// Adds a caption to the photo of that name, a new photo when it is new; returns its number.
  std::uint32_t add(std::string_view photo, std::string_view caption);
  /// The same of one that is tokenised already.
  std::uint32_t add(std::string_view photo, const LocalTokens& caption);

  /// After the last add: puts the captions of a photo together, in the order in which they came.
  void group();

  [[nodiscard]] std::size_t photos() const noexcept { return names_.size(); }
  [[nodiscard]] std::size_t captions() const noexcept { return photo_of_.size(); }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view photo) const noexcept {
    return names_.find(photo);
  }
  [[nodiscard]] std::string_view name(std::uint32_t photo) const noexcept {
    return names_.word(photo);
  }

  /// Captions of one photo; after group(). Cleared and filled: keep the vector.
  void captions_of(std::uint32_t photo, std::vector<TokenSpan>& captions) const;
  [[nodiscard]] std::size_t count_of(std::uint32_t photo) const noexcept {
    return first_[photo + 1] - first_[photo];
  }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::uint32_t end_caption(std::string_view photo);

  TokenTable& words_;
  TokenNumbers numbers_;
  TokenTable names_;
  TokenIds tokens_;                      // all captions, end to end
  std::vector<std::uint64_t> ends_{0};   // of caption i: ends_[i + 1]
  std::vector<std::uint32_t> photo_of_;  // by caption
  std::vector<std::uint64_t> first_;     // of photo p: place in order_; one more at the end
  std::vector<std::uint32_t> order_;     // captions, by photo
};

}  // namespace photoscribe
