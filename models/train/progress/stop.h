// stop: Ctrl-C in a training. The first signal asks it to stop where it can go on later, the second
// ends the process. Private to models/train.
#pragma once

namespace photoscribe {

/// From here on SIGINT, SIGTERM and SIGHUP ask for a stop; those that are ignored stay so.
void stop_on_signals();

[[nodiscard]] bool stop_requested() noexcept;

}  // namespace photoscribe
