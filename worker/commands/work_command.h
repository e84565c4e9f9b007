// work_command: `photoscribe-worker --redis URL …`: joins runs and works until it is told to stop.
//
// Part of the executables, not of the library: it links the model. The parts of the worker that
// touch photos and the network pass through one place, so that a test's own executable is this
// worker, whole, with faults around them (tests/chaos).
#pragma once

#include <functional>

#include "worker/commands/options.h"
#include "worker/pipeline/pipeline.h"

namespace photoscribe {

struct WorkerParts {
  CaptionerFactory factory;
  Loader loader;
};
using PartsChange = std::function<WorkerParts(WorkerParts)>;

/// First lines of main(): BLAS kernels (which may start the program again), log, signals.
void prepare_worker_process(char** argv);

/// Works until stopped. Returns an exit status when it cannot start; ends the process otherwise.
[[nodiscard]] int run_work_command(const WorkerOptions& options, const PartsChange& change = {});

}  // namespace photoscribe
