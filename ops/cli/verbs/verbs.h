// verbs: what a person can type after `photoscribe`. One file per verb; main.cpp parses and runs.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace photoscribe::cli {

/// Runs the chosen verb; returns the exit status. Set by the verb's callback during the parse.
using Action = std::function<int()>;

/// Each adds its verb to `app` and sets `action` when it is the one that was typed.
void add_confidence(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_search(CLI::App& app, Action& action);
void add_caption(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_backup(CLI::App& app, Action& action);
void add_move(CLI::App& app, Action& action);
void add_forget(CLI::App& app, Action& action);
void add_score(CLI::App& app, Action& action);
void add_calibrate(CLI::App& app, Action& action);
void add_blur(CLI::App& app, Action& action);
void add_steering(CLI::App& app, Action& action);
void add_dead(CLI::App& app, Action& action);
void add_submit(CLI::App& app, Action& action);
void add_scheduler(CLI::App& app, Action& action);
void add_worker(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);

/// A word that is not a path, without the "./" that main() puts before a dash after `--`.
[[nodiscard]] inline std::string plain_word(const std::string& word) {
  return word.starts_with("./-") ? word.substr(2) : word;
}

/// The words of this process's own command line, for advice such as "the same command with …".
[[nodiscard]] const std::vector<std::string>& command_line();

}  // namespace photoscribe::cli
