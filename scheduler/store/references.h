// references: files of human captions and split lists (DESIGN 8). Reads; the store keeps them.
//
// One function per format, all with the same result, so that a format is one function and one line
// in read_references. Strict: a line that cannot be right is an error with its number, not a guess.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/error.h"
#include "scheduler/store/sources.h"
#include "scheduler/store/store.h"

namespace photoscribe {

/// References in the order of their first appearance; captions of a photo in their given order.
using References = std::vector<Store::NamedReferences>;

/// Reads a file of a known format, told by its content. Fails with invalid_config, naming file and
/// line; with `environment` when it cannot be read.
[[nodiscard]] Expected<References> read_references(const std::string& file);

/// Flickr8k.token.txt and Flickr30k's results_20130124.token: `name.jpg#N<TAB>caption`, UTF-8, CRLF
/// tolerated, blank lines skipped. `file` is for messages only. A number given twice for a photo,
/// an empty caption, a line without tab or number: invalid_config.
[[nodiscard]] Expected<References> parse_flickr_tokens(std::string_view text,
                                                       const std::string& file);

/// A split list: one file name a line (a path is cut to its last part), CRLF tolerated, blank lines
/// skipped. An empty list is invalid_config.
[[nodiscard]] Expected<NameSet> read_split_list(const std::string& file);

}  // namespace photoscribe
