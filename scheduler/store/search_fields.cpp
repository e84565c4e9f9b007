#include "scheduler/store/search_fields.h"

#include "common/text/words.h"

namespace photoscribe {

std::string marked_words(std::string_view mark, std::string_view text) {
  std::string out;
  for_each_word(text, [&](std::string_view word) {
    out += (out.empty() ? "" : " ") + std::string(mark) + std::string(word);
  });
  return out;
}

std::string column_mark(std::int64_t column_id) { return "k" + std::to_string(column_id) + "x"; }

}  // namespace photoscribe
