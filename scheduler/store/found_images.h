// found_images: what a search finds, by number. Private to scheduler/store.
#pragma once

#include <cstdint>
#include <vector>

#include "common/sqlite/database.h"
#include "scheduler/store/search.h"

namespace photoscribe {

struct FoundImages {
  std::vector<std::int64_t> ids;  // in the order asked for
  SearchOutcome outcome;
};

/// For use inside Database::read only. Fails with `usage` as Lookup::search().
[[nodiscard]] Expected<FoundImages> find_images(sqlite::Database& db, const SearchRequest& request);

}  // namespace photoscribe
