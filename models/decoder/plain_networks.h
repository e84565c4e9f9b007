// plain_networks: the decoders that others trained, for captioning. Part of step_network.h, which
// is the header to include. Private to models/.
#pragma once

#include <memory>

#include "models/decoder/step_network.h"

namespace photoscribe {

[[nodiscard]] std::unique_ptr<StepNetwork> make_plain_network(const PlainAttendParameters& p,
                                                              Precision precision);
[[nodiscard]] std::unique_ptr<StepNetwork> make_plain_network(const AttendInParameters& p,
                                                              Precision precision);
[[nodiscard]] std::unique_ptr<StepNetwork> make_plain_network(const PlainShowTellParameters& p,
                                                              Precision precision);

}  // namespace photoscribe
