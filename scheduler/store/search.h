// search: photos by words (search_query.h) and by what is known of them.
//
// Where more photos match than kRankedMax, ranking all of them would take longer than a person
// waits: then those that were added last come first, and the outcome says so.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"

namespace photoscribe {

inline constexpr std::int64_t kRankedMax = 2'000;

enum class SearchSort : std::uint8_t {
  best,        // BM25, matches in edited captions before those in others
  added,       // the last that was added to the archive first
  newest,      // by the time of the file
  oldest,      // likewise
  path,        // root, path
  confidence,  // of the model in its caption, highest first
};

struct SearchRequest {
  std::string query;                // empty: every photo
  bool original = false;            // the model's captions, also where people edited them
  std::vector<std::string> states;  // empty: done, or edited
  std::optional<std::int64_t> since_unix_ms, until_unix_ms;  // of the file; until is not included
  std::optional<double> confidence_min;                      // edited captions count as certain
  std::string run;        // name; empty: each photo once, as its last run has it
  std::string root;       // name; empty: any
  bool vanished = false;  // photos that are no longer there, too
  SearchSort sort = SearchSort::best;
  std::int64_t limit = 0;  // 0: all
  std::int64_t offset = 0;
};

struct SearchOutcome {
  bool best_first = false;  // ranked; else in the order asked for, or `added`
  bool many = false;        // more than kRankedMax: `added` instead of `best`
  bool more = false;        // behind the last one
  std::int64_t photos = 0;  // given to `take`
};

/// Brings the index up to date beside whoever writes, in short transactions with as long pauses.
/// `go_on` is asked after each, with how many it looked at. Needs no lock; a database that cannot
/// be written stays as it is. Errors as Store's.
[[nodiscard]] Status catch_up_index(const std::string& database,
                                    const std::function<bool(std::int64_t looked_at)>& go_on);

}  // namespace photoscribe
