// time_word: times as people write them, in local time: 2019, 2019-06, 2019-06-30,
// 2019-06-30T18:05, and 7d, 12h, 2w before now. A pure function of the word and of now.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "common/core/error.h"

namespace photoscribe::cli {

/// When that time begins, in milliseconds since 1970. Fails with usage.
[[nodiscard]] Expected<std::int64_t> time_word_begin(const std::string& word,
                                                     std::time_t now = std::time(nullptr));
/// When it has ended: for 2019, the first moment of 2020.
[[nodiscard]] Expected<std::int64_t> time_word_end(const std::string& word,
                                                   std::time_t now = std::time(nullptr));

}  // namespace photoscribe::cli
