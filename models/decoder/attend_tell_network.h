// attend_tell_network: show_attend_tell for captioning. Part of step_network.h, which is the header
// to include. Private to models/.
#pragma once

#include <memory>

#include "models/decoder/step_network.h"

namespace photoscribe {

[[nodiscard]] std::unique_ptr<StepNetwork> make_attend_tell(const AttendTellParameters& p,
                                                            Precision precision);

}  // namespace photoscribe
