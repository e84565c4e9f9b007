// kept_columns: what came beside photos, written by a scan.
//
// Private to the store; called inside Database::write only.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/sqlite/database.h"
#include "scheduler/store/run_types.h"

namespace photoscribe {

class KeptColumns {
 public:
  explicit KeptColumns(sqlite::Database& db) : db_(db) {}

  /// The photo has these now; an empty one it has no more; those that are not named stay. Of how
  /// many that is news.
  int keep(std::int64_t image_id, const KeptValues& values);
  /// Those that it has no value for: the first to name a photo says what it has.
  int add(std::int64_t image_id, const KeptValues& values);
  /// After a transaction that was rolled back.
  void forget() { ids_.clear(); }

 private:
  [[nodiscard]] std::int64_t column(const std::string& name);

  sqlite::Database& db_;
  std::unordered_map<std::string, std::int64_t> ids_;
};

}  // namespace photoscribe
