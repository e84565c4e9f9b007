// search_fields: the words of photo_search's column `fields`, which say of what they are. Private
// to scheduler/store.
//
// FTS5 has a fixed number of columns, and a list may bring any: so a word of column 3 stands there
// as "k3xana", and `photographer:ana` looks for that. The mark is part of the word, so phrases and
// beginnings of words work as they do elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace photoscribe {

/// In every row once: what a search for all but something begins with.
inline constexpr std::string_view kEveryPhoto = "kexevery";
/// Of a concept that the model saw.
inline constexpr std::string_view kConceptMark = "kcx";
/// Of a column of kept_column.
[[nodiscard]] std::string column_mark(std::int64_t column_id);

/// The words of `text`, each behind `mark`, with a blank between them.
[[nodiscard]] std::string marked_words(std::string_view mark, std::string_view text);

}  // namespace photoscribe
