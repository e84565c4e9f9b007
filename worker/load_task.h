// load_task: from a task to pixels: open beneath the root, read, decode, judge blur. No queue, no
// network; runs on a pool thread.
#pragma once

#include <functional>

#include "worker/job.h"
#include "worker/open_beneath.h"

namespace photoscribe {

/// Called when bytes are all in memory and decoding begins: a hang before it is the storage's, one
/// after it the photo's.
using OnDecode = std::function<void()>;

/// After a Fault the task must go back to the queue.
[[nodiscard]] LoadOutcome load_task(const Task& task, const RunSpec& spec, const Roots& roots,
                                    int side_px, FileBuffer& buffer, const OnDecode& on_decode);

}  // namespace photoscribe
