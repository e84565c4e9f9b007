// stop: Ctrl-C during training. The first signal asks it to stop where it can resume later, the
// second ends the process. Private to models/train.
#pragma once

namespace photoscribe {

/// From now on SIGINT, SIGTERM and SIGHUP ask for a stop; ignored signals stay ignored.
void stop_on_signals();

[[nodiscard]] bool stop_requested() noexcept;

}  // namespace photoscribe
