// frequency_file: CIDEr-D's document frequencies as a file, so that few photos can be scored with
// the weights of many.
//
// Text, one n-gram a line: `COUNT<TAB>words`, after a heading `photoscribe-df 1`, the number of
// photos and the tokeniser. Words, not numbers: a table serves any set of captions whose tokens
// were made the same way.
#pragma once

#include <string>

#include "common/core/error.h"
#include "common/scores/cider.h"
#include "common/scores/token_table.h"
#include "common/scores/tokenize.h"

namespace photoscribe {

/// Writes the table, sorted, so that the same table is the same file. The file takes its name only
/// when it is whole.
[[nodiscard]] Status save_frequencies(const std::string& file,
                                      const DocumentFrequencies& frequencies,
                                      const TokenTable& words, Tokenizer tokenizer);

/// Reads a table; its words join `words`. Fails with invalid_config, naming file and line, for what
/// is no such table and for one of another tokeniser than `tokenizer`.
[[nodiscard]] Expected<DocumentFrequencies> load_frequencies(const std::string& file,
                                                             TokenTable& words,
                                                             Tokenizer tokenizer);

}  // namespace photoscribe
