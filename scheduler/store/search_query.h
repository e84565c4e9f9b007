// search_query: what a person types into a search, as an expression that FTS5 takes. A pure
// function.
//
//   dog beach            both words, in any form of them (dogs)
//   "red car"  surf*     words side by side; words that begin so
//   -cat                 without it
//   dog OR cat  ( … )    either; OR binds closer than standing side by side
//   photographer:ana     in one column: a kept one, or caption, edited, original, path, text, sees
//
// Nothing that is typed is a syntax error of FTS5: quotes may stay open, brackets may not match,
// punctuation parts words. What has no meaning is refused in words that say what to do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/core/error.h"

namespace photoscribe {

/// kept_column: name and id.
using KeptColumnIds = std::multimap<std::string, std::int64_t>;

/// The expression for MATCH on table photo_search; empty for a query without a word, which means
/// every photo. With `original`, captions are the model's, also where people edited them. Fails
/// with usage: an unknown column, a beginning of less than three letters, nothing but punctuation,
/// more than 1,000 bytes, 64 words or 16 brackets deep.
[[nodiscard]] Expected<std::string> search_expression(std::string_view query,
                                                      const KeptColumnIds& columns = {},
                                                      bool original = false);

/// True for the expression of a query such as -cat, which none of its photos fits better than
/// others.
[[nodiscard]] bool only_excludes(const std::string& expression);

}  // namespace photoscribe
