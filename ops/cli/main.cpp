#include <unistd.h>

#include <clocale>
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "ops/cli/exit_status.h"
#include "ops/cli/terminal.h"
#include "ops/cli/verbs.h"

namespace photoscribe::cli {
namespace {

std::vector<std::string> words;  // set once, before anything else runs

int parse_and_run(int argc, char** argv) {
  CLI::App app("Captions large photo archives: blur check, CNN-LSTM captions, results in SQLite.",
               "photoscribe");
  app.set_version_flag("--version", "photoscribe " PHOTOSCRIBE_VERSION);
  app.require_subcommand(1);  // also keeps `photoscribe run status` a folder called status
  app.footer(
      "photoscribe VERB --help tells the rest. The main job:\n"
      "  photoscribe run PHOTOS -o archive.db\n"
      "Exit status: 0 done, 1 finished with failed photos, 2 usage, 3 environment,\n"
      "4 stopped before the end (run it again), 130 hard stop.");
  Action action;
  add_run(app, action);
  add_status(app, action);
  add_export(app, action);
  add_blur(app, action);
  add_doctor(app, action);
  add_config(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& wrong) {
    if (argc == 1) {
      write_all(STDERR_FILENO, app.help());
    } else {
      app.exit(wrong);
    }
    return kExitUsage;
  }
  return action();
}

}  // namespace

const std::vector<std::string>& command_line() { return words; }

}  // namespace photoscribe::cli

int main(int argc, char** argv) {
  photoscribe::cli::words.assign(argv, argv + argc);
  try {
    return photoscribe::cli::parse_and_run(argc, argv);
  } catch (const std::exception& e) {
    photoscribe::cli::write_all(STDERR_FILENO, std::string("photoscribe: ") + e.what() + "\n");
    return photoscribe::cli::kExitEnvironment;
  }
}
