// load_task: from a task to pixels: open beneath the root, read, decode, judge blur. No queue, no
// network; runs on a pool thread.
#pragma once

#include <functional>
#include <optional>

#include "worker/photo/job.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

/// Waits for an answer: a result of the run for a photo with the same bytes; none: nobody knows of
/// one.
using SeenAnswer = std::function<std::optional<Result>()>;
/// Asks, and does not wait. Empty: nobody is asked.
using AskSeen = std::function<SeenAnswer(const ContentHash&)>;

/// Up to the question whether a photo with these bytes has a result, or to the end where nobody is
/// asked. After a Fault the task must go back to the queue. Only a photo's first attempt takes
/// another one's result: who asks for it again wants it done again. `spec` outlives the step.
[[nodiscard]] LoadStep begin_load(const Task& task, const RunSpec& spec, const Roots& roots,
                                  int side_px, FileBuffer& buffer, const OnDecode& on_decode,
                                  const AskSeen& ask_seen);

/// The same to the end.
[[nodiscard]] LoadOutcome load_task(const Task& task, const RunSpec& spec, const Roots& roots,
                                    int side_px, FileBuffer& buffer, const OnDecode& on_decode,
                                    const AskSeen& ask_seen = {});

}  // namespace photoscribe
