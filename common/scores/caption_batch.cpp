#include "common/scores/caption_batch.h"

#include "common/scores/token_numbers.h"

namespace photoscribe {

CaptionBatch::Piece CaptionBatch::keep(std::string_view text) {
  const Piece piece{text_.size(), text.size()};
  text_ += text;
  return piece;
}

void CaptionBatch::add(const FileCaption& caption, std::int64_t item, bool is_utf8) {
  Entry entry;
  entry.id = keep(caption.id);
  entry.other_id = keep(caption.other_id);
  entry.caption = keep(caption.caption);
  entry.split = keep(caption.split);
  entry.folder = keep(caption.folder);
  entry.line = caption.line;
  entry.item = item;
  entry.number = caption.number;
  entry.begins_list = caption.begins_list;
  entry.is_utf8 = is_utf8;
  entries_.push_back(entry);
}

void CaptionBatch::add_fault(std::string_view why, std::int64_t line, std::int64_t item) {
  Entry entry;
  entry.caption = keep(why);
  entry.line = line;
  entry.item = item;
  entry.is_fault = true;
  entries_.push_back(entry);
}

void CaptionBatch::tokenise() {
  TokenNumbers numbers(tokenizer_, words_.table);
  for (Entry& entry : entries_) {
    if (entry.is_fault || !entry.is_utf8) continue;
    entry.first_token = tokens_.size();
    numbers.append(text(entry.caption), tokens_);
    entry.tokens = tokens_.size() - entry.first_token;
  }
}

CaptionBatch::Told CaptionBatch::told_of(const Entry& entry, LocalTokens& tokens) {
  tokens = {TokenSpan(tokens_).subspan(entry.first_token, entry.tokens), &words_};
  Told told;
  told.caption = {text(entry.id), text(entry.other_id), text(entry.caption), text(entry.split)};
  told.caption.line = entry.line;
  told.caption.begins_list = entry.begins_list;
  told.caption.folder = text(entry.folder);
  told.caption.number = entry.number;
  told.caption.tokens = &tokens;
  told.item = entry.item;
  told.is_utf8 = entry.is_utf8;
  told.is_fault = entry.is_fault;
  return told;
}

}  // namespace photoscribe
