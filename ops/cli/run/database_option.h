// database_option: the database argument of a verb: `photoscribe status DB`, or the configured one.
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

  /// After the parse. Fails with usage when there is no such file: these verbs create none.
  [[nodiscard]] Expected<std::string> path() const;
  /// The same, with the state folder of its scheduler.
  [[nodiscard]] Expected<DatabasePlace> place() const;

 private:
  const Settings& settings_;
};

}  // namespace photoscribe::cli
