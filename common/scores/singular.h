// singular: English nouns without their plural, as word lists and captions need to agree.
//
// Rules and a table of what they get wrong. It does not know nouns from other words: "is" stays,
// but "runs" becomes "run"; whoever looks words up must not care.
#pragma once

#include <string>
#include <string_view>

namespace photoscribe {

/// The singular of a lower-case word: "knives" -> "knife", "benches" -> "bench", "men" -> "man",
/// "bus" -> "bus". Words that are no plural come back as they are.
[[nodiscard]] std::string singular_of(std::string_view word);

}  // namespace photoscribe
