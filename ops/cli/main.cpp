#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "common/core/standard_output.h"
#include "common/text/did_you_mean.h"
#include "common/text/safe_text.h"
#include "ops/cli/terminal/exit_status.h"
#include "ops/cli/terminal/terminal.h"
#include "ops/cli/verbs/verbs.h"

namespace photoscribe::cli {
namespace {

std::vector<std::string> words;  // set once, before anything else runs

/// The arguments for CLI11, last one first. CLI11 fails at a `--` that follows another positional,
/// so it is removed; all positionals are paths, and a path that begins with a dash gets a "./".
std::vector<std::string> words_to_parse() {
  std::vector<std::string> out;
  bool paths_only = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!paths_only && words[i] == "--") {
      paths_only = true;
    } else {
      out.push_back(paths_only && words[i].starts_with("-") ? "./" + words[i] : words[i]);
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

/// CLI11's own message is only that a subcommand is required.
std::string missing_verb(const CLI::App& app) {
  std::string names;
  for (const CLI::App* verb : app.get_subcommands({})) {
    names += (names.empty() ? "" : ", ") + verb->get_name();
  }
  const bool typed = words.size() > 1 && !words[1].starts_with("-");
  return (typed ? "photoscribe: unknown verb " + shown(words[1]) : "photoscribe: no verb") +
         "; there are: " + names + " (photoscribe --help)\n";
}

/// What is wrong with a verb's arguments; CLI11 names neither the verb nor what was meant.
std::string wrong_words(const CLI::App& app, const CLI::ParseError& wrong) {
  const CLI::App* verb = &app;
  std::string name = "photoscribe";
  while (!verb->get_subcommands().empty()) {
    verb = verb->get_subcommands().front();
    name += " " + verb->get_name();
  }
  std::string text = wrong.what();
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with("--") || word.size() < 3) continue;
    const std::string flag = word.substr(0, word.find('='));
    std::vector<std::string> known;
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& one : option->get_lnames()) known.push_back("--" + one);
    }
    text = "there is no " + shown(flag) + did_you_mean(flag, known);
    break;
  }
  return name + ": " + text + " (" + name + " --help)\n";
}

int parse_and_run() {
  CLI::App app("Captions large photo archives: blur check, CNN-LSTM captions, results in SQLite.",
               "photoscribe");
  app.set_version_flag("--version", "photoscribe " PHOTOSCRIBE_VERSION);
  app.require_subcommand(1);  // also keeps `photoscribe run status` a folder called status
  app.footer(
      "`photoscribe VERB --help` explains each verb. The main one:\n"
      "  photoscribe run PHOTOS -o archive.db\n"
      "Exit status: 0 done, 1 finished with failed photos or incomplete,\n"
      "2 usage, 3 environment, 4 stopped before the end (run it again), 130 hard stop.");
  Action action;
  add_run(app, action);
  add_submit(app, action);
  add_scheduler(app, action);
  add_worker(app, action);
  add_status(app, action);
  add_steering(app, action);
  add_dead(app, action);
  add_export(app, action);
  add_search(app, action);
  add_caption(app, action);
  add_report(app, action);
  add_serve(app, action);
  add_confidence(app, action);
  add_backup(app, action);
  add_move(app, action);
  add_forget(app, action);
  add_score(app, action);
  add_calibrate(app, action);
  add_blur(app, action);
  add_doctor(app, action);
  add_config(app, action);
  try {
    app.parse(words_to_parse());
  } catch (const CLI::Success& asked) {
    return app.exit(asked, std::cout);  // --help, --version
  } catch (const CLI::ParseError& wrong) {
    if (words.size() == 1) {
      write_all(STDERR_FILENO, app.help());
    } else if (app.get_subcommands().empty()) {
      write_all(STDERR_FILENO, missing_verb(app));
    } else {
      write_all(STDERR_FILENO, wrong_words(app, wrong));
    }
    return kExitUsage;
  }
  return action();
}

/// parse_and_run() with every exception caught.
int parse_and_run_safely() {
  try {
    return parse_and_run();
  } catch (const std::exception& e) {
    write_all(STDERR_FILENO, std::string("photoscribe: ") + e.what() + "\n");
    return kExitEnvironment;
  }
}

/// "photoscribe run", for messages.
std::string program_and_verb() {
  const bool typed = words.size() > 1 && !words[1].starts_with("-");
  return typed ? "photoscribe " + shown(words[1]) : "photoscribe";
}

}  // namespace

const std::vector<std::string>& command_line() { return words; }

}  // namespace photoscribe::cli

int main(int argc, char** argv) {
  namespace cli = photoscribe::cli;
  photoscribe::open_standard_output();
  cli::words.assign(argv, argv + argc);
  const int status = cli::parse_and_run_safely();
  return photoscribe::close_standard_output(cli::program_and_verb(), status);
}
