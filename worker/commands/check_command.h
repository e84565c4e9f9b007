// check_command: `photoscribe-worker check`: what this machine can do for a worker: BLAS, devices,
// whether the model opens. `photoscribe doctor` reads its JSON.
#pragma once

#include <iosfwd>
#include <string>

namespace photoscribe {

/// Returns the exit status: 0, or 3 when the model does not open.
[[nodiscard]] int run_check_command(const std::string& model_folder, bool json, std::ostream& out);

}  // namespace photoscribe
