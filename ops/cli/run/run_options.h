// run_options: the options that `run` and `submit` share (which photos, which model and verdict,
// when and how fast), and the request made from them.
#pragma once

#include <CLI/CLI.hpp>

#include "common/core/error.h"
#include "ops/cli/config/settings.h"
#include "ops/cli/run/serve_options.h"
#include "scheduler/run/run_batch.h"

namespace photoscribe::cli {

enum class RunVerb { run, submit };

struct RunOptions {
  explicit RunOptions(CLI::App& verb) : settings(verb) {}
  Settings settings;
  RunRequest request;  // the fields that are not settings
  ServeOptions serve;
  bool no_progress = false;
  bool detach = false;
  bool json = false;
};

void add_photo_options(CLI::App& verb, RunOptions& options);
/// Without those about this machine's workers for submit.
void add_setting_options(RunOptions& options, RunVerb verb);
/// --retry-failed, --redo and --new-run.
void add_again_options(CLI::App& verb, RunOptions& options);

/// The complete request: from the command line, the configuration and the model.
[[nodiscard]] Expected<RunRequest> make_request(const RunOptions& options, RunVerb verb);

}  // namespace photoscribe::cli
