#include "ops/cli/run/database_option.h"

#include <filesystem>

#include "common/text/escape.h"
#include "common/text/safe_text.h"

namespace photoscribe::cli {

DatabaseOption::DatabaseOption(Settings& settings) : settings_(settings) {
  settings.positional("database", "database", "DB", "the SQLite database (default: archive.db)");
}

Expected<std::string> DatabaseOption::path() const {
  Expected<DatabasePlace> found = place();
  if (!found) return fail(found.error());
  return std::move(found->database);
}

Expected<DatabasePlace> DatabaseOption::place() const {
  const Expected<LoadedConfig> loaded = settings_.load();
  if (!loaded) return fail(loaded.error());
  std::error_code failed;
  const std::string& database = loaded->config.database;
  if (!std::filesystem::exists(database, failed)) {
    return fail(Errc::usage, shown(database) + ": no such database; `photoscribe run PHOTOS -o " +
                                 shown(shell_quoted(database)) + "` makes one");
  }
  const std::string& folder = loaded->config.state_folder;
  return DatabasePlace{database, folder.empty() ? database + ".state" : folder,
                       loaded->config.redis.url};
}

}  // namespace photoscribe::cli
