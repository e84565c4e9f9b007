// job: one task on its way through a worker, and what comes out at the end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/core/spec.h"
#include "common/core/types.h"
#include "common/redis/entry_id.h"
#include "worker/open_beneath.h"

namespace photoscribe {

/// The run that a job belongs to. Shared and constant: jobs of a run that is gone still name it.
struct RunContext {
  std::string incarnation;
  RunSpec spec;
};

struct Job {
  std::shared_ptr<const RunContext> run;
  redis::EntryId entry;  // the task's stream entry; unique within the run
  Task task;
};

/// Why a task goes back to the queue although nothing is known against its photo.
struct Fault {
  FaultOf of = FaultOf::storage;
  std::string why;  // one line for a person
};

/// A job's end: a result to publish, or a fault for which the task goes back.
struct Finished {
  Job job;
  Result result;
};
struct Faulted {
  Job job;
  Fault fault;
};

/// A photo after reading, decoding and the gate.
struct LoadedPhoto {
  BlurScores blur_scores;
  int width_px = 0, height_px = 0;  // as shown
  StageTimes times;
  std::optional<DecodedImage> network_input;  // none: blurred
};
struct LoadFailed {
  Failed failed;
  StageTimes times;
};
using LoadOutcome = std::variant<LoadedPhoto, LoadFailed, Fault>;

}  // namespace photoscribe
