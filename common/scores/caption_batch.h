// caption_batch: a piece of a caption file, read and tokenised by some thread, to be given out in
// the file's order. Private to common/scores.
//
// A batch numbers words for itself; whoever takes its captions translates (LocalWords). It holds
// a quarter of a megabyte of text, and a fixed number of them is under way at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/scores/caption_file.h"
#include "common/scores/local_words.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

class CaptionBatch {
 public:
  explicit CaptionBatch(Tokenizer tokenizer) : tokenizer_(tokenizer) {}

  /// What a reader says of the file, in its order. Lines are counted within the batch.
  void add(const FileCaption& caption, std::int64_t item, bool is_utf8);
  void add_fault(std::string_view why, std::int64_t line, std::int64_t item);

  /// Numbers the words of all captions.
  void tokenise();

  [[nodiscard]] bool is_full() const noexcept { return text_.size() >= kBytes; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

  /// One caption or one fault.
  struct Told {
    FileCaption caption;
    std::int64_t item = 0;
    bool is_utf8 = true;
    bool is_fault = false;  // `caption.caption` is what is wrong
  };
  /// Calls `tell` with each, in order, until it returns an error; views are valid during the call.
  template <class Tell>
  [[nodiscard]] Status for_each(Tell tell) {
    for (const Entry& entry : entries_) {
      LocalTokens tokens;
      if (Status told = tell(told_of(entry, tokens)); !told) return told;
    }
    return {};
  }

  std::int64_t lines = 0;            // of the file, in this batch
  std::int64_t without_caption = 0;  // CaptionFileFacts

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 18;
  struct Piece {  // of text_
    std::size_t begin = 0, size = 0;
  };
  struct Entry {
    Piece id, other_id, caption, split, folder;
    std::size_t first_token = 0, tokens = 0;
    std::int64_t line = 0, item = 0;
    int number = -1;
    bool begins_list = false, is_utf8 = true, is_fault = false;
  };
  Piece keep(std::string_view text);
  [[nodiscard]] std::string_view text(Piece piece) const {
    return std::string_view(text_).substr(piece.begin, piece.size);
  }
  [[nodiscard]] Told told_of(const Entry& entry, LocalTokens& tokens);

  Tokenizer tokenizer_;
  std::string text_;
  std::vector<Entry> entries_;
  TokenIds tokens_;
  LocalWords words_;
};

}  // namespace photoscribe
