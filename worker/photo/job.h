// job: one task on its way through a worker, and what comes out at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/core/spec.h"
#include "common/core/types.h"
#include "common/redis/entry_id.h"
#include "worker/photo/open_beneath.h"

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
  std::uint64_t ticket = 0;  // of JobsInWork; 0: it counts nowhere
};

/// Why a task goes back to the queue although its photo may be fine.
struct Fault {
  FaultOf of = FaultOf::storage;
  std::string why;                     // one line for a person
  Reason reason = Reason::unreadable;  // of the photo, if it proves to be its own
};

/// A job's end: a result to publish, or a fault for which the task goes back.
struct Finished {
  Job job;
  Result result;
  std::uint32_t blur_us = 0;  // of its decode_us, for the scores
};
struct Faulted {
  Job job;
  Fault fault;
};

/// A photo after reading, decoding and the gate.
struct LoadedPhoto {
  BlurScores blur_scores;
  bool preview = false;             // Result::preview
  int width_px = 0, height_px = 0;  // as shown
  StageTimes times;
  std::uint32_t blur_us = 0;                  // of times.decode_us
  std::optional<DecodedImage> network_input;  // none: blurred
  std::optional<ContentHash> content_hash;
  std::optional<std::uint64_t>
      perceptual_hash;  // of a clear photo, where the run looks for doubles
};
/// A photo with the bytes of one that has a result: not decoded.
struct CopiedPhoto {
  Result found;  // of the other photo: done, or blurred by the run's rule
  StageTimes times;
  ContentHash content_hash{};
};
struct LoadFailed {
  Failed failed;
  StageTimes times;
  std::optional<ContentHash> content_hash;  // none: not read to its end
};
using LoadOutcome = std::variant<LoadedPhoto, CopiedPhoto, LoadFailed, Fault>;

/// Called when bytes are all in memory and decoding begins: a hang before it is the storage's, one
/// after it the photo's.
using OnDecode = std::function<void()>;

/// A photo that was read, and about which a question was asked elsewhere: other photos are begun
/// while the answer is on its way.
struct Unanswered {
  /// Waits for the answer. Once only, while the job and the buffer that it was begun with are
  /// there.
  std::function<LoadOutcome(const OnDecode&)> go_on;
};
using LoadStep = std::variant<LoadOutcome, Unanswered>;

/// The result of a job, its outcome still to be filled in; finished now.
[[nodiscard]] Result begin_result(const Job& job);
[[nodiscard]] Result begin_result(const Job& job, const LoadedPhoto& photo);
[[nodiscard]] Result result_of(const Job& job, CopiedPhoto photo);
[[nodiscard]] Result result_of(const Job& job, LoadFailed failed);

}  // namespace photoscribe
