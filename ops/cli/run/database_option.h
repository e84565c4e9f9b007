// database_option: the database that a reading verb reads: `photoscribe status DB`, or the
// configured one.
#pragma once

#include <string>

#include "common/core/error.h"
#include "ops/cli/config/settings.h"

namespace photoscribe::cli {

struct DatabasePlace {
  std::string database;
  std::string state_folder;  // of its scheduler
  std::string redis_url;     // as configured; empty: none
};

class DatabaseOption {
 public:
  /// Adds the positional DB to the verb of `settings`, which must outlive this.
  explicit DatabaseOption(Settings& settings);

  /// After the parse. Fails with usage when there is no such file: a reading verb makes none.
  [[nodiscard]] Expected<std::string> path() const;
  /// The same with the folder in which its scheduler keeps what it needs.
  [[nodiscard]] Expected<DatabasePlace> place() const;

 private:
  const Settings& settings_;
};

}  // namespace photoscribe::cli
