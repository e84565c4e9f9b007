// load_task: from a task to pixels: open beneath the root, read, decode, judge blur. No queue, no
// network; runs on a pool thread.
#pragma once

#include <functional>
#include <optional>

#include "worker/photo/job.h"
#include "worker/photo/open_beneath.h"

namespace photoscribe {

/// Called when bytes are all in memory and decoding begins: a hang before it is the storage's, one
/// after it the photo's.
using OnDecode = std::function<void()>;

/// A result of the run for a photo with these bytes; none: nobody knows of one. Empty: nobody is
/// asked.
using FindSeen = std::function<std::optional<Result>(const ContentHash&)>;

/// After a Fault the task must go back to the queue. Only a photo's first attempt takes another
/// one's result: who asks for it again wants it done again.
[[nodiscard]] LoadOutcome load_task(const Task& task, const RunSpec& spec, const Roots& roots,
                                    int side_px, FileBuffer& buffer, const OnDecode& on_decode,
                                    const FindSeen& find_seen = {});

}  // namespace photoscribe
