// backup: a copy of the database, even while other processes read and write it.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/core/output_file.h"
#include "common/core/remove_on_signal.h"
#include "common/text/human_numbers.h"
#include "common/text/safe_text.h"
#include "ops/cli/run/database_option.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {
namespace {

struct BackupOptions {
  explicit BackupOptions(CLI::App& verb) : settings(verb), database(settings) {
    verb.add_option("copy", copy, "the copy to make; must not exist")
        ->type_name("COPY")
        ->required();
    verb.add_flag("--json", json, "one JSON object");
  }
  Settings settings;
  DatabaseOption database;
  std::string copy;
  bool json = false;
};

int backup(const BackupOptions& options) {
  const Expected<std::string> database = options.database.path();
  if (!database) return report("backup", database.error());
  {
    std::optional<RemoveOnSignal> partial;
    std::error_code absent;
    if (!std::filesystem::exists(options.copy, absent)) {  // an existing file is refused
      const std::string file =
          file_behind_links(options.copy).value_or(options.copy) + ".unfinished";
      partial.emplace(std::vector<std::string>{file, file + "-journal"});
    }
    if (const Status copied = copy_database(*database, options.copy); !copied) {
      return report("backup", copied.error());
    }
  }
  std::error_code unknown;
  const auto size = std::filesystem::file_size(options.copy, unknown);
  const std::int64_t bytes = unknown ? 0 : static_cast<std::int64_t>(size);
  if (options.json) {
    const nlohmann::json object{
        {"database", replaced(*database)}, {"copy", replaced(options.copy)}, {"bytes", bytes}};
    write_all(STDOUT_FILENO, object.dump() + "\n");
  } else {
    write_all(STDOUT_FILENO, "Copied " + shown(*database) + " to " + shown(options.copy) + " (" +
                                 bytes_text(bytes) + ").\n");
  }
  return kExitDone;
}

}  // namespace

void add_backup(CLI::App& app, Action& action) {
  CLI::App* const verb =
      app.add_subcommand("backup", "copy a database, also while a run writes it");
  const auto options = std::make_shared<BackupOptions>(*verb);
  verb->footer(
      "The copy is a consistent snapshot. To restore it: stop the run, remove DB-wal and DB-shm "
      "(SQLite\n"
      "would replay them onto the copy), and move the copy to DB.\n"
      "Example:\n"
      "  photoscribe backup archive.db archive-monday.db");
  verb->callback([options, &action] { action = [options] { return backup(*options); }; });
}

}  // namespace photoscribe::cli
