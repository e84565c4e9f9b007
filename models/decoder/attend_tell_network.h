// attend_tell_network: show_attend_tell as it captions. Part of step_network.h, which is what to
// call. Private to models/.
#pragma once

#include <memory>

#include "models/decoder/step_network.h"

namespace photoscribe {

[[nodiscard]] std::unique_ptr<StepNetwork> make_attend_tell(const AttendTellParameters& p,
                                                            Precision precision);

}  // namespace photoscribe
