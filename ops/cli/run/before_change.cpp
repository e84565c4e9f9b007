#include "ops/cli/run/before_change.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <iostream>
#include <string>

#include "common/core/remove_on_signal.h"
#include "common/text/escape.h"
#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"
#include "scheduler/store/store.h"

namespace photoscribe::cli {

std::string stored_folder(const std::string& folder) {
  std::error_code unknown;
  std::string path = std::filesystem::weakly_canonical(folder, unknown).string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Expected<bool> confirmed(bool yes, const std::string& question) {
  if (yes) return true;
  if (!is_terminal(STDIN_FILENO)) {
    return fail(Errc::usage, question + " There is no terminal to answer on: --yes confirms");
  }
  write_all(STDERR_FILENO, shown(question) + " [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Expected<std::string> copy_before(const std::string& database, const std::string& verb) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
  std::string copy = database;
  copy.append(".before-").append(verb).append("-").append(stamp);
  const std::string first = copy;
  std::error_code unknown;
  for (int n = 2; std::filesystem::exists(copy, unknown); ++n) {
    copy = first + "-" + std::to_string(n);
  }
  const RemoveOnSignal partial({copy, copy + "-journal"});
  if (Status copied = copy_database(database, copy); !copied) return fail(copied.error());
  return copy;
}

std::string restore_hint(const std::string& database, const std::string& copy) {
  const std::string db = shell_quoted(database);
  return "To undo: rm -f " + db + "-wal " + db + "-shm && mv " + shell_quoted(copy) + " " + db;
}

}  // namespace photoscribe::cli
