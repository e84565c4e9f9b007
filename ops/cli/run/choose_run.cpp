#include "ops/cli/run/choose_run.h"

#include <unistd.h>

#include <vector>

#include "common/text/safe_text.h"
#include "ops/cli/terminal/terminal.h"

namespace photoscribe::cli {

Expected<RunRow> choose_run(Lookup& store, const std::string& name, const std::string& database,
                            const char* doing) {
  const Expected<std::vector<RunRow>> runs = store.runs();
  if (!runs) return fail(runs.error());
  std::string names;
  for (const RunRow& run : *runs) {
    if (run.name == name) return run;
    names += (names.empty() ? "" : ", ") + shown(run.name);
  }
  if (runs->empty()) return fail(Errc::usage, shown(database) + ": no runs in it yet");
  if (!name.empty()) {
    return fail(Errc::usage,
                shown(database) + ": no run \"" + shown(name) + "\"; there are: " + names);
  }
  if (runs->size() > 1) {
    write_all(STDERR_FILENO, std::string(doing) + " run " + shown(runs->back().name) +
                                 ", the newest; --run chooses among: " + names + "\n");
  }
  return runs->back();
}

}  // namespace photoscribe::cli
