// vocabulary: words and their numbers, as vocab.txt holds them: one word a line, four specials
// first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

inline constexpr std::int64_t kPadToken = 0;      // fills rows after their end; never predicted
inline constexpr std::int64_t kStartToken = 1;    // fed before the first word; never predicted
inline constexpr std::int64_t kEndToken = 2;      // ends a caption
inline constexpr std::int64_t kUnknownToken = 3;  // a rare word in training; never predicted

class Vocabulary {
 public:
  /// `words` without the specials, distinct, not empty and without white space; else model_failure.
  [[nodiscard]] static Expected<Vocabulary> make(const std::vector<std::string>& words);
  /// Fails with model_failure, naming the line.
  [[nodiscard]] static Expected<Vocabulary> read(const std::string& path);
  [[nodiscard]] Status write(const std::string& path) const;

  /// By number, specials first.
  [[nodiscard]] const std::vector<std::string>& words() const noexcept { return words_; }
  /// Specials included.
  [[nodiscard]] std::int64_t size() const noexcept {
    return static_cast<std::int64_t>(words_.size());
  }
  /// The word's number, or kUnknownToken.
  [[nodiscard]] std::int64_t number(std::string_view word) const;
  [[nodiscard]] const std::string& word(std::int64_t number) const {
    return words_.at(static_cast<std::size_t>(number));
  }
  /// The words up to the first end token, joined by spaces; specials are left out.
  [[nodiscard]] std::string text(std::span<const std::int64_t> tokens) const;

 private:
  std::vector<std::string> words_;
  std::unordered_map<std::string, std::int64_t> numbers_;
};

}  // namespace photoscribe
