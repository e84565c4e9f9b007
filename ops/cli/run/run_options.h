// run_options: what `run` and `submit` have in common: which photos, which model and verdict, when
// and how fast, and how a request is made of it.
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
  RunRequest request;  // the fields that are no setting
  ServeOptions serve;
  bool no_progress = false;
  bool detach = false;
  bool json = false;
};

void add_photo_options(CLI::App& verb, RunOptions& options);
/// submit has none of those about this machine's workers.
void add_setting_options(RunOptions& options, RunVerb verb);
/// --retry-failed, --redo and --new-run.
void add_again_options(CLI::App& verb, RunOptions& options);

/// The request, complete: what was typed, the configuration, the model.
[[nodiscard]] Expected<RunRequest> make_request(const RunOptions& options, RunVerb verb);

}  // namespace photoscribe::cli
